"""MedMNIST, its two-dimensional parts.

Yang et al., "MedMNIST v2: A large-scale lightweight benchmark for 2D and 3D biomedical image
classification", Scientific Data 2023, arXiv 2110.14795.
"""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from data_modules.errors import DataError, did_you_mean, first_line
from data_modules.image_folder import write_images_once
from data_modules.samples import SEPARATOR, SPLITS, Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listing import make_table, require_folder
from data_modules.sets.medmnist_subsets import SUBSETS, Subset

NAME = "medmnist"
SIZES = (28, 64, 128, 224)
URL = "https://zenodo.org/records/10519652"
HOW = f"download it from {URL}, or set options.subset and options.size to what is there"
DESCRIPTION = Description(
    title="MedMNIST (2D)",
    shows="12 sets of small medical images (radiographs, CT organs, histology, skin, blood ...)",
    authors="Yang, Shi, Wei, Liu, Zhao, Ke, Pfister, Ni",
    year=2023,
    reference="doi 10.1038/s41597-022-01721-8",
    licence="CC BY 4.0; DermaMNIST CC BY-NC 4.0",
    size="from 0.5 MB to some GB, by subset and size",
    url=URL,
    layout="""\
pneumoniamnist.npz          28 px
pneumoniamnist_64.npz       64 px, and so 128 and 224
                            arrays train_images uint8 [N, H, W] or [N, H, W, 3],
                            train_labels [N, 1] or, of chestmnist, [N, 14]; so val and test""",
    needs=("{variant}*.npz",),
    counts=tuple(
        Count(number, "", split, name)
        for name, subset in SUBSETS.items()
        for split, number in zip(SPLITS, subset.images, strict=True)
    ),
    tested="drawn miniature",
    patients=None,
    who="not named: each image is its own group, and the published split is kept",
    variant="subset",
    notes=(
        "subset: " + ", ".join(SUBSETS),
        "the arrays are written once as PNG files into a folder beside the .npz file",
        "small images of other public sets: pneumoniamnist is of chest_xray_pneumonia, chestmnist "
        "of nih_chest_xray14; do not test on one of these after training on it",
        "counts are those of version 3; the organ sets of version 2 have up to 77 images more",
        "the grades 0 to 4 of retinamnist are named 'grade 0' to 'grade 4' here",
    ),
)


def index(root: Path, subset: str = "pneumoniamnist", size: int = 28) -> Samples:
    """MedMNIST: small medical images of 12 subsets from .npz files, with their official split.

    Args:
        root: The folder of the .npz files. The images are written into a folder below it.
        subset: Which, as "chestmnist".
        size: Height and width in pixels: 28, 64, 128 or 224.

    Raises:
        DataError: Where the file is missing or not of MedMNIST's form, or the folder cannot be
            written.
    """
    require_folder(root, HOW)
    if subset not in SUBSETS:
        raise DataError(f"options.subset: no '{subset}'; {did_you_mean(subset, SUBSETS)}")
    if size not in SIZES:
        raise DataError(f"options.size: {size} is none of {', '.join(map(str, SIZES))}")
    path = root / f"{subset}{'' if size == 28 else f'_{size}'}.npz"
    if not path.is_file():
        raise DataError(f"no file {path}: {HOW}")
    try:
        return _read(path, SUBSETS[subset])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot read {path} ({first_line(error)}): {HOW}") from error


def _read(path: Path, subset: Subset) -> Samples:
    with zipfile.ZipFile(path) as archive:
        labels = {split: _labels(archive, split, subset) for split in SPLITS}
        folder = write_images_once(path.parent, _folder_name(path, archive), _images(archive))
    names = [(split, _image_name(split, n)) for split in SPLITS for n in range(len(labels[split]))]
    table = make_table(
        [name for _, name in names],
        source=NAME,
        label=[label for split in SPLITS for label in labels[split]],
        split=[split for split, _ in names],
    )
    return Samples(
        folder,
        table,
        classes=subset.classes,
        multi_label=subset.multi_label,
        patients_named=False,
        notes=(
            "patients are not named: each image is its own group, the official split is kept",
            f"the images of {path.name} were written as PNG files into {folder.name}",
        ),
    )


def _folder_name(path: Path, archive: zipfile.ZipFile) -> str:
    """A name that follows from what the archive holds, whose checksums it lists."""
    members = [(one.filename, one.CRC, one.file_size) for one in archive.infolist()]
    return f"{path.stem}-{hashlib.sha256(repr(members).encode()).hexdigest()[:16]}"


def _labels(archive: zipfile.ZipFile, split: str, subset: Subset) -> list[str]:
    """The label of each image, as in the table of `Samples`."""
    with archive.open(f"{split}_labels.npy") as stream:
        numbers = np.lib.format.read_array(stream, allow_pickle=False)
    width = len(subset.classes) if subset.multi_label else 1
    most = 1 if subset.multi_label else len(subset.classes) - 1
    if (
        numbers.ndim != 2
        or numbers.shape[1] != width
        or not ((numbers >= 0) & (numbers <= most)).all()
    ):
        raise ValueError(f"{split}_labels is not [N, {width}] of 0 to {most}")
    if not subset.multi_label:
        return [subset.classes[int(number)] for number in numbers[:, 0]]
    named = ([subset.classes[place] for place in np.flatnonzero(row)] for row in numbers)
    return [SEPARATOR.join(names) or SEPARATOR for names in named]


def _image_name(split: str, number: int) -> str:
    return f"{split}/{number:06}.png"


def _images(archive: zipfile.ZipFile) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    for split in SPLITS:
        with archive.open(f"{split}_images.npy") as stream:
            for number, image in enumerate(_each(stream, split)):
                yield _image_name(split, number), image


def _each(stream: IO[bytes], split: str) -> Iterator[npt.NDArray[np.generic]]:
    """The images of an array one by one, for those of 224 px fill more than a memory."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, by_columns, dtype = read[version](stream)
    if dtype != np.uint8 or by_columns or shape[3:] not in ((), (3,)) or len(shape) not in (3, 4):
        raise ValueError(f"{split}_images is not uint8 [N, H, W] or [N, H, W, 3]")
    one = int(np.prod(shape[1:]))
    for _ in range(shape[0]):
        pixels = np.frombuffer(stream.read(one), dtype=np.uint8)
        if len(pixels) != one:
            raise EOFError(f"{split}_images ends too early")
        yield pixels.reshape(shape[1:])
