"""Natural images.

ImageNet, Tiny ImageNet or any subset: Russakovsky et al., "ImageNet Large Scale Visual Recognition
Challenge", 2015.
"""

from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.description import Description
from data_modules.sets.listing import find_images, make_table, other_folders, require_folder

NAME = "natural_images"
HOW = "put ImageNet, Tiny ImageNet or a subset there as train/<wnid>/ and val/<wnid>/"

DESCRIPTION = Description(
    title="ImageNet's layout",
    shows="natural images in folders by class: ImageNet, Tiny ImageNet or any subset of them",
    authors="Russakovsky, Deng, Su and others",
    year=2015,
    reference="doi 10.1007/s11263-015-0816-y",
    licence="non-commercial research (ImageNet)",
    size="of ImageNet (ILSVRC2012) about 150 GB; of a subset less",
    url="https://www.image-net.org/download.php",
    layout="""\
train/n01443537/<image> ...       at any depth below the class
val/n01443537/<image> ...""",
    needs=("train", "val"),
    counts=(),
    tested="real files",
    patients=None,
    who="does not apply: each image is its own group",
    notes=(
        "ILSVRC2012 has 1,281,167 training and 50,000 validation images in 1,000 classes; its "
        "validation images are published in one folder, and must be sorted into val/<class>/",
        "tested on a subset of Tiny ImageNet: 12,000 + 2,000 images in 200 classes",
        "there is no test split",
    ),
)


def index(root: Path) -> Samples:
    """Natural images in ImageNet's layout: `train/<wnid>/` and `val/<wnid>/`.

    A label is a folder's name (wnid), and each image is its own group.

    Args:
        root: The folder of both parts.

    Raises:
        DataError: Where a part is missing or empty, or `val` has a class that `train` lacks.
    """
    require_folder(root, HOW)
    tables, passed = [], other_folders(root, ("train", "val"))
    for split in ("train", "val"):
        require_folder(root / split, HOW)
        found = find_images(root, split)
        paths = found.images
        passed += [f"{split}: {note}" for note in found.notes()]
        loose = [path for path in paths if path.count("/") < 2]
        if loose or not paths:
            what = f"{loose[0]} is in no class folder" if loose else "no images"
            raise DataError(f"{root / split}: {what}: {HOW}")
        labels = [path.split("/")[1] for path in paths]
        tables.append(make_table(paths, source=NAME, label=labels, split=split))
    classes = tuple(sorted(set(tables[0]["label"])))
    strange = sorted(set(tables[1]["label"]) - set(classes))
    if strange:
        raise DataError(f"{root / 'val' / strange[0]} is no class of {root / 'train'}: {HOW}")
    return Samples(
        root,
        pd.concat(tables, ignore_index=True),
        classes=classes,
        patients_named=False,
        notes=("no test split; patients do not apply: each image is its own group", *passed),
    )
