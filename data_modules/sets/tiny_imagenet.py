"""Tiny ImageNet, as it is published.

Le and Yang, "Tiny ImageNet Visual Recognition Challenge", Stanford CS 231N, 2015.
"""

from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listed import read_list, refuse_missing
from data_modules.sets.listing import find_images, make_table, require_folder

NAME = "tiny_imagenet"
ANNOTATIONS = "val/val_annotations.txt"
URL = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
HOW = f"download {URL} and unpack it"
DESCRIPTION = Description(
    title="Tiny ImageNet",
    shows="natural images of 64 px: 200 kinds of things",
    authors="Le, Yang; the images are of ImageNet (Russakovsky et al.)",
    year=2015,
    reference="course report, Stanford CS 231N (no DOI); ImageNet: doi 10.1007/s11263-015-0816-y",
    licence="as of ImageNet",
    size="about 240 MB",
    url=URL,
    layout="""\
wnids.txt                              the classes
train/n01443537/images/n01443537_0.JPEG ...
val/images/val_0.JPEG ...
val/val_annotations.txt                a line: file, class and a box, by tabs
test/images/test_0.JPEG ...            without labels, not read""",
    needs=("wnids.txt", "train", "val/images", ANNOTATIONS),
    counts=(Count(100000, split="train"), Count(10000, split="val")),
    tested="drawn miniature",
    patients=None,
    who="does not apply: each image is its own group",
    unread=("test",),
    notes=(
        "the 10,000 test images have no published labels and are left out: there is no test split",
        "a subset that was sorted into val/<class>/ is the set natural_images",
    ),
)


def index(root: Path) -> Samples:
    """Tiny ImageNet: 110,000 natural images of 64 px, its val part by `val_annotations.txt`.

    Args:
        root: The unpacked folder, with `train`, `val` and `wnids.txt`.

    Raises:
        DataError: Where a folder, a list or a listed image is missing, or a class is unknown.
    """
    require_folder(root / "train", HOW)
    classes = tuple(sorted(read_list(root / "wnids.txt", HOW)))
    table = listed(root)
    strange = sorted(set(table["label"]) - set(classes))
    if strange or not (table["split"] == "train").any():
        what = f"the class {strange[0]} is not in wnids.txt" if strange else "no images in train"
        raise DataError(f"{root}: {what}: {HOW}")
    refuse_missing(root, table["path"].tolist(), ANNOTATIONS, HOW)
    return Samples(
        root,
        table,
        classes=classes,
        patients_named=False,
        notes=("no test split; patients do not apply: each image is its own group",),
    )


def listed(root: Path) -> pd.DataFrame:
    """What is in `train`, and what the annotations of val name, whether it is there or not."""
    train = find_images(root, "train").images
    lines = [line.split("\t") for line in read_list(root / ANNOTATIONS, HOW)]
    bad = next((number for number, words in enumerate(lines, 1) if len(words) < 2), None)
    if bad is not None:
        raise DataError(f"{root / ANNOTATIONS} line {bad}: names no file and class: {HOW}")
    parts = (
        make_table(train, NAME, [path.split("/")[1] for path in train]),
        make_table(
            [f"val/images/{words[0]}" for words in lines],
            NAME,
            [words[1] for words in lines],
            split="val",
        ),
    )
    return pd.concat(parts, ignore_index=True)
