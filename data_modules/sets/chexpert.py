"""CheXpert.

Irvin et al., "CheXpert: A Large Chest Radiograph Dataset with Uncertainty Labels and Expert
Comparison", AAAI 2019, arXiv 1901.07031.
"""

import re
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError, did_you_mean
from data_modules.samples import SEPARATOR, Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listed import read_columns, refuse_missing
from data_modules.sets.listing import make_table, require_folder

NAME = "chexpert"
IMAGES = {
    "Enlarged Cardiomediastinum": 10798,
    "Cardiomegaly": 27000,
    "Lung Opacity": 105581,
    "Lung Lesion": 9186,
    "Edema": 52246,
    "Consolidation": 14783,
    "Pneumonia": 6039,
    "Atelectasis": 33376,
    "Pneumothorax": 19448,
    "Pleural Effusion": 86187,
    "Pleural Other": 3523,
    "Fracture": 9040,
    "Support Devices": 116001,
}
"""Training images of which an observation is certain (1)."""
CLASSES = tuple(IMAGES)
PARTS = {"train": "train.csv", "val": "valid.csv"}
POLICIES = ("zeros", "ones", "ignore")
VALUES = {"1.0": "1", "1": "1", "0.0": "0", "0": "0", "-1.0": "-1", "-1": "-1", "": "0"}
"""What a cell holds, as it is understood; an observation that is not mentioned is absent."""
PATH = re.compile(r"[^/]+/((?:train|valid)/(patient\d+)/(study\d+)/[^/]+)")
URL = "https://stanfordmlgroup.github.io/competitions/chexpert/"
HOW = f"download {URL}, and set root to the folder that holds train.csv"
DESCRIPTION = Description(
    title="CheXpert",
    shows="chest radiographs, frontal and lateral: 13 observations, several per image",
    authors="Irvin, Rajpurkar, Ko, Yu and others",
    year=2019,
    reference="arXiv 1901.07031",
    licence="Stanford's research use agreement",
    size="about 11 GB (CheXpert-v1.0-small); CheXpert-v1.0 is many times larger",
    url=URL,
    layout="""\
train.csv      columns Path (CheXpert-v1.0-small/train/patient00001/study1/...),
valid.csv      and one for each observation: 1, 0, -1 (uncertain) or empty
train/patient00001/study1/view1_frontal.jpg ...
valid/patient64541/study1/view1_frontal.jpg ...""",
    needs=("train.csv", "valid.csv", "train", "valid"),
    counts=(
        Count(223414, split="train"),
        Count(234, split="val"),
        *(Count(number, label, "train", "zeros") for label, number in IMAGES.items()),
    ),
    tested="real tables, drawn images",
    patients=64740,
    who="the folder patientN; a study is patientN/studyN",
    variant="uncertain",
    notes=(
        "uncertain (-1) is decided by options.uncertain: zeros (default) takes it for absent, ones "
        "for present (U-Zeros and U-Ones of the paper), ignore leaves the label of the whole image "
        "out, which is more than the paper's U-Ignore, where the other observations still count",
        "an observation that a report does not mention is taken for absent, as in the paper",
        "the column 'No Finding' is not a class: an image without any of the 13 has none",
        "the agreement is for research only, and the images must not be passed on",
        "valid.csv is val; the paper's test set is not among these files, so no split is test",
        "the real train.csv was read (223,414 rows), valid.csv and the images were not",
    ),
)


def index(root: Path, uncertain: str = "zeros") -> Samples:
    """CheXpert: 223,648 chest radiographs of 64,740 patients, 13 observations.

    Args:
        root: The folder that holds train.csv, valid.csv, `train` and `valid`.
        uncertain: What an uncertain observation (-1) is: "zeros" absent, "ones" present, and with
            "ignore" an image that has one is unlabelled.

    Raises:
        DataError: Where a table or a listed image is missing, or a cell is not understood.
    """
    require_folder(root, HOW)
    table = listed(root, uncertain)
    refuse_missing(root, table["path"].tolist(), "train.csv and valid.csv", HOW)
    left_out = int((table["label"] == "").sum())
    notes = [
        f"uncertain observations (-1): {uncertain}; those not mentioned are absent",
        "valid.csv is val; there is no test split",
    ]
    if left_out:
        notes.append(f"{left_out} images with an uncertain observation are unlabelled")
    return Samples(
        root,
        table,
        classes=CLASSES,
        multi_label=True,
        published=(NAME,),
        notes=tuple(notes),
    )


def listed(root: Path, uncertain: str = "zeros") -> pd.DataFrame:
    """What both tables name, whether it is there or not."""
    if uncertain not in POLICIES:
        raise DataError(f"options.uncertain: '{uncertain}': {did_you_mean(uncertain, POLICIES)}")
    parts = [_part(root / file, split, uncertain) for split, file in PARTS.items()]
    return pd.concat(parts, ignore_index=True)


def _part(file: Path, split: str, uncertain: str) -> pd.DataFrame:
    rows = read_columns(file, ["Path", *CLASSES], HOW)
    found = rows["Path"].str.extract(PATH)
    strange = rows["Path"][found[0].isna()]
    if len(strange):
        raise DataError(f"{file}: '{strange.iloc[0]}' is not .../train/patientN/studyN/<image>")
    return make_table(
        found[0].tolist(),
        source=NAME,
        label=_labels(rows[list(CLASSES)], file, uncertain),
        patient=found[1].tolist(),
        split=split,
        study=(found[1] + "/" + found[2]).tolist(),
    )


def _labels(cells: pd.DataFrame, file: Path, uncertain: str) -> list[str]:
    """The label of each row: "A|B", "|" where nothing is present, "" where it is ignored."""
    values = cells.apply(lambda column: column.map(VALUES))
    unknown = values.isna().to_numpy()
    if unknown.any():
        strange = cells.to_numpy()[unknown][0]
        raise DataError(f"{file}: '{strange}' is none of 1, 0, -1 and empty")
    present = ((values == "1") | ((values == "-1") & (uncertain == "ones"))).to_numpy()
    ignored = (values == "-1").any(axis=1).to_numpy() & (uncertain == "ignore")
    labels = [
        SEPARATOR.join(name for name, has in zip(CLASSES, row, strict=True) if has) or SEPARATOR
        for row in present
    ]
    return ["" if drop else label for label, drop in zip(labels, ignored, strict=True)]
