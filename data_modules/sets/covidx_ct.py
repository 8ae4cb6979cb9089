"""COVIDx CT.

Gunraj et al., "COVID-Net CT-2: Enhanced Deep Neural Networks for Detection of COVID-19 from Chest
CT Images Through Bigger, More Diverse Learning", Frontiers in Medicine 2022.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import SPLITS, Samples
from data_modules.sets.description import Description, counts_of
from data_modules.sets.listed import read_columns, read_list, refuse_missing
from data_modules.sets.listing import make_table, require_folder

NAME = "covidx_ct"
CLASSES = ("Normal", "Pneumonia", "COVID-19")
URL = "https://www.kaggle.com/datasets/hgunraj/covidxct"
HOW = f"download {URL}, or set options.version to the version that is there"
DESCRIPTION = Description(
    title="COVIDx CT",
    shows="axial chest CT slices: normal, pneumonia or COVID-19",
    authors="Gunraj, Sabri, Koff, Wong",
    year=2022,
    reference="doi 10.3389/fmed.2021.729287",
    licence="that of each of its sources",
    size="not known",
    url=URL,
    layout="""\
2A_images/NCP_96_1328_0032.png ...      3A_images/ for version 3A
train_COVIDx_CT-2A.txt                  a line: file class xmin ymin xmax ymax
val_COVIDx_CT-2A.txt                    class 0 Normal, 1 Pneumonia, 2 COVID-19
test_COVIDx_CT-2A.txt
metadata.csv                            column "patient id\"""",
    needs=(
        "{variant}_images",
        *(f"{split}_COVIDx_CT-{{variant}}.txt" for split in SPLITS),
        "metadata.csv",
    ),
    counts=(
        *counts_of(
            SPLITS,
            {
                "Normal": (35996, 11842, 12245),
                "Pneumonia": (25496, 7400, 7395),
                "COVID-19": (82286, 6244, 6018),
            },
            "2A",
        ),
        *counts_of(
            SPLITS,
            {
                "Normal": (35996, 17570, 17922),
                "Pneumonia": (26970, 8008, 7965),
                "COVID-19": (294552, 8147, 7894),
            },
            "3A",
        ),
    ),
    tested="drawn miniature",
    patients=None,
    who="metadata.csv's patient whose id a file's name holds (2A: 3,745 persons, 3A: 5,312)",
    variant="version",
    notes=(
        "its repository lists the licences in docs/licenses_acknowledgements.md",
        "the boxes of the body that the lists give are not used: images are read whole",
        "it is made of other public sets (CNCB, iCTCF, TCIA, LIDC-IDRI, COVID-CTset, Radiopaedia "
        "and others): do not test on one of these after training on it",
        "training labels are partly by non-radiologists or by a network; val and test are by "
        "radiologists",
        "the B versions must be built from their sources, and were not looked at",
    ),
)


def index(root: Path, version: str = "2A") -> Samples:
    """COVIDx CT: 194,922 CT slices (425,024 in 3A) of three classes, by its official lists.

    Args:
        root: The folder that holds the lists, `metadata.csv` and the folder of the images.
        version: Which lists are read, as "2A" or "3A".

    Raises:
        DataError: Where a list or a listed image is missing, or a line is not as it must be.
    """
    require_folder(root, HOW)
    table, nameless = _table(root, version)
    refuse_missing(root, table["path"].tolist(), f"the lists of COVIDx CT-{version}", HOW)
    notes = ["the boxes of the body that the lists give are not used"]
    if nameless:
        notes.append(f"{nameless} images have no patient in metadata.csv: each is its own group")
    return Samples(
        root,
        table,
        classes=CLASSES,
        positive="COVID-19",
        published=(NAME,),
        notes=tuple(notes),
    )


def listed(root: Path, version: str = "2A") -> pd.DataFrame:
    """What the lists name, whether it is there or not."""
    return _table(root, version)[0]


def _table(root: Path, version: str) -> tuple[pd.DataFrame, int]:
    """The table of the listed images, and how many have no patient."""
    ids = set(read_columns(root / "metadata.csv", ["patient id"], HOW)["patient id"])
    rows = [row for split in SPLITS for row in _rows(root, split, version)]
    files, labels, splits = map(list, zip(*rows, strict=True))
    patients = [_patient(file, ids) for file in files]
    table = make_table(
        [f"{version}_images/{file}" for file in files],
        source=NAME,
        label=labels,
        patient=[patient or f"image {file}" for file, patient in zip(files, patients, strict=True)],
        split=splits,
    )
    return table, patients.count("")


def _rows(root: Path, split: str, version: str) -> Iterator[tuple[str, str, str]]:
    """The file, class and split of each line of a list."""
    path = root / f"{split}_COVIDx_CT-{version}.txt"
    lines = read_list(path, HOW)
    if not lines:
        raise DataError(f"{path}: names no image: {HOW}")
    for number, line in enumerate(lines, 1):
        words = line.rsplit(maxsplit=5)
        if len(words) != 6 or words[1] not in ("0", "1", "2"):
            raise DataError(
                f"{path} line {number}: '{line}' is not file class xmin ymin xmax ymax, the class "
                "0, 1 or 2"
            )
        yield words[0], CLASSES[int(words[1])], split


def _patient(file: str, ids: set[str]) -> str:
    """The patient whose id a file's name begins with, else holds; "" where there is none.

    An id ends before a "_" or "-", as in CP_5_3509_0130.png, which is of the patient CP_5.
    """
    ends = [found.start() for found in re.finditer("[_-]", file)]
    starts = [0, *(end + 1 for end in ends)]
    words = (file[start:end] for start in starts for end in reversed(ends) if end > start)
    return next((word for word in words if word in ids), "")
