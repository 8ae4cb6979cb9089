"""Chest X-Ray Images (Pneumonia).

Kermany et al., "Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning",
Cell 2018; distributed on Kaggle as paultimothymooney/chest-xray-pneumonia.
"""

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.files import file_digest
from data_modules.samples import SPLITS, Samples
from data_modules.sets.description import Count, Description
from data_modules.sets.listing import find_images, make_table, other_folders, require_folder
from data_modules.splits import split_by_patient

NAME = "chest_xray_pneumonia"
CLASSES = ("NORMAL", "PNEUMONIA")
CAUSES = ("NORMAL", "BACTERIA", "VIRUS")
HOW = "download https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"
DESCRIPTION = Description(
    title="Chest X-Ray Images (Pneumonia)",
    shows="chest radiographs of children: normal or pneumonia (bacterial, viral)",
    authors="Kermany, Goldbaum, Cai and others",
    year=2018,
    reference="doi 10.1016/j.cell.2018.02.010",
    licence="CC BY 4.0",
    size="1.2 GB",
    url="https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia",
    layout="""\
train/NORMAL/IM-0115-0001.jpeg ...
train/PNEUMONIA/person1_bacteria_1.jpeg ...
test/ val/                                  the same two folders in each""",
    needs=tuple(f"{part}/{name}" for part in ("train", "test") for name in CLASSES),
    counts=(Count(1583, "NORMAL"), Count(4273, "PNEUMONIA")),
    tested="real files",
    patients=None,
    who="the number in a file's name (person1, IM-0115, NORMAL2-IM-0001): 3,117 persons, where "
    "those who share the bytes of a file count as one",
    notes=(
        "Kaggle's parts are train 1,341 + 3,875, val 8 + 8, test 234 + 390 (normal + pneumonia); "
        "they share patients, and are split again 70/10/20 by patient",
        "its publisher states no number of persons",
    ),
)
PATIENT = re.compile(r"(person|IM-|NORMAL2-IM-)\d+")


def index(root: Path, three_class: bool = False, split_seed: int = 0) -> Samples:
    """Chest X-Ray Images (Pneumonia): 5,856 radiographs of children, named by patient.

    Kaggle's parts share patient numbers, so they are joined and split 70/10/20 by patient. Files of
    the same bytes count as one patient.

    Args:
        root: The folder that holds `train` and `test` (and `val`).
        three_class: Separate bacterial from viral pneumonia, as the file names do.
        split_seed: Seed of the split.

    Raises:
        DataError: Where folders are missing, or a file name names no patient.
    """
    require_folder(root / "train", HOW)
    parts = [part for part in SPLITS if (root / part).is_dir()]
    folders = [f"{part}/{name}" for part in parts for name in CLASSES]
    others = other_folders(root, SPLITS)
    others += [note for part in parts for note in other_folders(root / part, CLASSES)]
    found = find_images(root, *folders)
    paths = found.images
    if not paths:
        raise DataError(f"{root}: no images in {' or '.join(folders)}: {HOW}")
    table = make_table(
        paths,
        source=NAME,
        label=[_cause(path) for path in paths],
        patient=[_patient(root, path) for path in paths],
        split=[path.split("/")[0] for path in paths],
    )
    in_parts = table.groupby("patient")["split"].nunique()
    note = (
        f"{int((in_parts > 1).sum())} patient numbers occur in several of Kaggle's parts: all "
        f"images were split again by patient, 70/10/20, seed {split_seed}; results cannot be "
        "compared with those on Kaggle's test part"
    )
    table["patient"], merged = _join_duplicates(root, table)
    table["split"] = split_by_patient(table, split_seed)
    if not three_class:
        table["label"] = table["label"].where(table["label"] == "NORMAL", "PNEUMONIA")
    return Samples(
        root,
        table,
        classes=CAUSES if three_class else CLASSES,
        positive=None if three_class else "PNEUMONIA",
        notes=(note, *merged, *others, *found.notes()),
    )


def _cause(path: str) -> str:
    """The finest label, by which the split is stratified whatever the classes are."""
    _, name, file = path.split("/", 2)
    if name == "NORMAL":
        return name
    return "VIRUS" if "virus" in file else "BACTERIA"


def _patient(root: Path, path: str) -> str:
    found = PATIENT.match(Path(path).name)
    if not found:
        raise DataError(
            f"{root / path}: the name holds no patient (person<n>_, IM-<n>- or NORMAL2-IM-<n>-); "
            "remove the file, or use the data set 'csv'"
        )
    return found.group()


def _join_duplicates(root: Path, table: pd.DataFrame) -> tuple[pd.Series, tuple[str, ...]]:
    """The patients, those who share a file's bytes joined under the first one's name."""
    copies = _copies(root, table)
    groups = [set(group) for _, group in table["patient"].groupby(copies) if len(group) > 1]
    first = {name: name for name in table["patient"].unique()}
    for group in groups:
        joined = {first[name] for name in group}
        first |= {name: min(joined) for name, own in first.items() if own in joined}
    note = f"{len(groups)} groups of identical files; each is held as one patient"
    return table["patient"].map(first), (note,) if groups else ()


def _copies(root: Path, table: pd.DataFrame) -> pd.Series:
    """A text for each file, equal where the bytes are; only files of equal size are read."""
    size_of = [(root / path).stat().st_size for path in table["path"]]
    sizes = Counter(size_of)
    texts = [
        file_digest(root / path) if sizes[size] > 1 else path
        for path, size in zip(table["path"], size_of, strict=True)
    ]
    return pd.Series(texts, index=table.index, dtype="str")
