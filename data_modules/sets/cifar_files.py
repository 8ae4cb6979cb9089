"""The binary version of CIFAR-10 and CIFAR-100: rows of label bytes and 3,072 pixel bytes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_modules.errors import DataError
from data_modules.files import file_digest
from data_modules.image_folder import write_images_once
from data_modules.samples import Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listed import read_list
from data_modules.sets.listing import make_table, require_folder
from data_modules.splits import TRAIN_VAL_SHARES, deal

URL = "https://www.cs.toronto.edu/~kriz/cifar.html"
HOW = f"download the binary version from {URL} and unpack it there"
SIDE = 32
PIXELS = 3 * SIDE * SIDE
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Form:
    """How a version of CIFAR stands in its files.

    Attributes:
        name: The data set's.
        files: Its files, and whether each is train or test.
        classes: The file of the names of its classes, one per line.
        label_bytes: Label bytes of a row; the last is the class.
    """

    name: str
    files: Mapping[str, str]
    classes: str
    label_bytes: int


def describe(
    form: Form,
    title: str,
    classes: int,
    size: str,
    layout: str,
    counts: Sequence[Count] = (),
    notes: Sequence[str] = (),
) -> Description:
    """The description of one version: what both share, and its own.

    Args:
        form: How it stands in its files.
        title: Its name.
        classes: How many it has.
        size: Of the download.
        layout: Of the files.
        counts: Further ones than all images and the test part's.
        notes: Further ones.
    """
    return Description(
        title=title,
        shows=f"natural images of {SIDE} px: {classes} kinds of things",
        authors="Krizhevsky",
        year=2009,
        reference="technical report, University of Toronto (no DOI)",
        licence="none is stated",
        size=size,
        url=URL,
        layout=layout,
        needs=(*form.files, form.classes),
        counts=(Count(60000), Count(10000, split="test"), *counts),
        tested="drawn miniature",
        patients=None,
        who="does not apply: each image is its own group",
        notes=(
            "the publisher asks to cite the report",
            "the binary version is read, for that of Python consists of pickles, which can run "
            "code",
            "the images are written once as PNG files into a folder beside the .bin files",
            "the training part is dealt 87.5/12.5 into train and val",
            *notes,
        ),
    )


def read_cifar(root: Path, form: Form, split_seed: int) -> Samples:
    """The images, written once as PNG files, with the official test part.

    Args:
        root: The folder of the files.
        form: Which of the two.
        split_seed: Seed by which an eighth of the training part becomes val.

    Raises:
        DataError: A file is missing or not of this form, or the folder cannot be written.
    """
    require_folder(root, HOW)
    classes = read_list(root / form.classes, HOW)
    rows = {file: _rows(root / file, form, len(classes)) for file in form.files}
    folder = write_images_once(root, _folder_name(root, form), _images(rows, form))
    table = make_table(
        [_image_name(file, number) for file in rows for number in range(len(rows[file]))],
        source=form.name,
        label=[classes[row[form.label_bytes - 1]] for part in rows.values() for row in part],
        split=[form.files[file] for file in rows for _ in rows[file]],
    )
    rest = table["split"] == "train"
    table.loc[rest, "split"] = deal(table[rest], TRAIN_VAL_SHARES, "val", split_seed)
    return Samples(
        folder,
        table,
        classes=tuple(classes),
        patients_named=False,
        notes=(
            f"the training part is dealt 87.5/12.5 into train and val, seed {split_seed}; patients "
            "do not apply: each image is its own group",
            f"the images were written as PNG files into {folder.name}",
        ),
    )


def _rows(path: Path, form: Form, classes: int) -> Bytes:
    """The rows of a file, uint8 [N, label bytes + 3072]."""
    if not path.is_file():
        raise DataError(f"no file {path}: {HOW}")
    content = np.fromfile(path, dtype=np.uint8)
    width = form.label_bytes + PIXELS
    if not len(content) or len(content) % width:
        raise DataError(f"{path}: {len(content)} bytes are no rows of {width}: {HOW}")
    rows = content.reshape(-1, width)
    if rows[:, form.label_bytes - 1].max() >= classes:
        raise DataError(f"{path}: a class is none of the {classes} of {form.classes}: {HOW}")
    return rows


def _folder_name(root: Path, form: Form) -> str:
    digests = [file_digest(root / file) for file in form.files]
    return f"{form.name}-{hashlib.sha256(repr(digests).encode()).hexdigest()[:16]}"


def _images(rows: Mapping[str, Bytes], form: Form) -> Iterator[tuple[str, Bytes]]:
    for file, part in rows.items():
        for number, row in enumerate(part):
            channels = row[form.label_bytes :].reshape(3, SIDE, SIDE)
            yield _image_name(file, number), np.ascontiguousarray(channels.transpose(1, 2, 0))


def _image_name(file: str, number: int) -> str:
    return f"{Path(file).stem}/{number:05}.png"
