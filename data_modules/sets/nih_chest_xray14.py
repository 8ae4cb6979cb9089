"""NIH ChestX-ray14.

Wang et al., "ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks on Weakly-Supervised
Classification and Localization of Common Thorax Diseases", CVPR 2017, arXiv 1705.02315.
"""

from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import SEPARATOR, Samples, split_label
from data_modules.sets.description import NO_CLASS, Count, Description
from data_modules.sets.listed import read_columns, read_list, refuse_missing
from data_modules.sets.listing import find_images, folders_in, make_table, require_folder
from data_modules.splits import TRAIN_VAL_SHARES, deal

NAME = "nih_chest_xray14"
NO_FINDING = "No Finding"
IMAGES = {
    "Atelectasis": 11559,
    "Cardiomegaly": 2776,
    "Effusion": 13317,
    "Infiltration": 19894,
    "Mass": 5782,
    "Nodule": 6331,
    "Pneumonia": 1431,
    "Pneumothorax": 5302,
    "Consolidation": 4667,
    "Edema": 2303,
    "Emphysema": 2516,
    "Fibrosis": 1686,
    "Pleural_Thickening": 3385,
    "Hernia": 227,
}
"""Images of each class."""
CLASSES = tuple(IMAGES)
TABLES = ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv")
URL = "https://nihcc.app.box.com/v/ChestXray-NIHCC"
HOW = f"download {URL} and unpack its archives"
DESCRIPTION = Description(
    title="NIH ChestX-ray14",
    shows="frontal chest radiographs: 14 findings, several per image",
    authors="Wang, Peng, Lu, Lu, Bagheri, Summers",
    year=2017,
    reference="arXiv 1705.02315",
    licence="no restrictions, with attribution",
    size="about 45 GB",
    url=URL,
    layout="""\
Data_Entry_2017.csv                   or Data_Entry_2017_v2020.csv; columns "Image Index",
                                      "Finding Labels" (A|B, or No Finding), "Patient ID"
train_val_list.txt                    file names
test_list.txt
images/00000001_000.png ...           or, as on Kaggle, images_001/images/ to images_012/images/""",
    needs=("Data_Entry_2017*.csv", "train_val_list.txt", "test_list.txt", "images*"),
    counts=(
        Count(86524, split="train"),
        Count(25596, split="test"),
        Count(60361, NO_CLASS),
        *(Count(number, label) for label, number in IMAGES.items()),
    ),
    tested="real tables, drawn images",
    patients=30805,
    who='the column "Patient ID"',
    notes=(
        "the publisher asks to name the NIH Clinical Center, the paper and the download's address",
        "train_val_list.txt is dealt 87.5/12.5 into train and val by patient; the test list stays",
        "labels were mined from reports; the publisher expects more than 90 % to be right",
        "an image of 'No Finding' is labelled as having none of the 14 classes",
        "the real table was read (112,120 rows), the lists and the images were not",
    ),
)


def index(root: Path, split_seed: int = 0) -> Samples:
    """NIH ChestX-ray14: 112,120 chest radiographs of 30,805 patients, 14 findings.

    The official test list is the test split; the other patients are dealt into train and val.

    Args:
        root: The folder of the table, both lists and the images.
        split_seed: Seed by which train and val are dealt.

    Raises:
        DataError: Where a table, a list or a listed image is missing, or they contradict each
            other.
    """
    require_folder(root, HOW)
    table = listed(root)
    refuse_missing(root, table["path"].tolist(), "its table", HOW)
    rest = table["split"] == "train"
    table.loc[rest, "split"] = deal(table[rest], TRAIN_VAL_SHARES, "val", split_seed)
    return Samples(
        root,
        table,
        classes=CLASSES,
        multi_label=True,
        published=(NAME,),
        notes=(
            f"train_val_list.txt is dealt 87.5/12.5 into train and val, seed {split_seed}",
            f"'{NO_FINDING}' means none of the {len(CLASSES)} classes",
        ),
    )


def listed(root: Path) -> pd.DataFrame:
    """What the table names, whether it is there or not; train is all of train_val_list.txt."""
    file = next((root / name for name in TABLES if (root / name).is_file()), root / TABLES[0])
    rows = read_columns(file, ["Image Index", "Finding Labels", "Patient ID"], HOW)
    names = rows["Image Index"].tolist()
    place = _places(root)
    return make_table(
        [place.get(name, f"images/{name}") for name in names],
        source=NAME,
        label=[_label(text, file) for text in rows["Finding Labels"]],
        patient=rows["Patient ID"].tolist(),
        split=_splits(root, names),
    )


def _label(text: str, file: Path) -> str:
    findings = split_label(text)
    if findings == {NO_FINDING}:
        return SEPARATOR
    strange = sorted(findings - set(CLASSES))
    if strange or not findings:
        raise DataError(f"{file}: '{strange[0] if strange else text}' is none of the 14 findings")
    return text


def _splits(root: Path, names: list[str]) -> list[str]:
    lists = {"train": "train_val_list.txt", "test": "test_list.txt"}
    split_of = {name: s for s, file in lists.items() for name in read_list(root / file, HOW)}
    unlisted = [name for name in names if name not in split_of]
    if unlisted:
        raise DataError(
            f"{root}: {len(unlisted)} images are in none of {' and '.join(lists.values())}, for "
            f"example {unlisted[0]}: {HOW}"
        )
    return [split_of[name] for name in names]


def _places(root: Path) -> dict[str, str]:
    """The path of each image by its file's name."""
    folders = [name for name in folders_in(root) if name.startswith("images")]
    if not folders:
        return {}
    place: dict[str, str] = {}
    for path in find_images(root, *folders).images:
        name = path.rpartition("/")[2]
        if name in place:
            raise DataError(f"{root}: {path} is there twice, also as {place[name]}; remove one")
        place[name] = path
    return place
