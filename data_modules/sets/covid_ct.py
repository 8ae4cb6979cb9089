"""COVID-CT.

Zhao et al., "COVID-CT-Dataset: a CT scan dataset about COVID-19", arXiv 2003.13865.
"""

import re
from pathlib import Path
from zipfile import BadZipFile

import pandas as pd

from data_modules.errors import DataError, first_line
from data_modules.samples import SPLITS, Samples
from data_modules.sets.description import Description, counts_of
from data_modules.sets.listing import find_images, make_table, require_folder

NAME = "covid_ct"
CLASSES = ("NonCOVID", "COVID")
HOW = "clone https://github.com/UCSD-AI4H/COVID-CT and unpack the archives in Images-processed"
TABLES = {
    "COVID": ("COVID-CT-MetaInfo.xlsx", "File name", "Patient ID"),
    "NonCOVID": ("NonCOVID-CT-MetaInfo.csv", "image name", "patient id"),
}
DESCRIPTION = Description(
    title="COVID-CT",
    shows="CT figures cut from papers: COVID-19 or not",
    authors="Zhao, Zhang, He, Xie",
    year=2020,
    reference="arXiv 2003.13865",
    licence="none is stated",
    size="not known",
    url="https://github.com/UCSD-AI4H/COVID-CT",
    layout="""\
Images-processed/CT_COVID/               unpacked from CT_COVID.zip
Images-processed/CT_NonCOVID/            unpacked from CT_NonCOVID.zip
Data-split/COVID/trainCT_COVID.txt ...   file names; so valCT and testCT, and NonCOVID
Meta/COVID-CT-MetaInfo.xlsx              columns "File name", "Patient ID"
Meta/NonCOVID-CT-MetaInfo.csv            columns "image name", "patient id\"""",
    needs=(
        *(f"Images-processed/CT_{name}" for name in CLASSES),
        *(f"Data-split/{name}/{part}CT_{name}.txt" for name in CLASSES for part in SPLITS),
        *(f"Meta/{table[0]}" for table in TABLES.values()),
    ),
    counts=counts_of(SPLITS, {"COVID": (191, 60, 98), "NonCOVID": (234, 58, 105)}),
    tested="real files",
    patients=358,
    who="Meta; 384 names there are 358 persons, as their images show",
    notes=(
        "the copyright of a figure is that of its paper",
        "the official split is kept, though some persons are in several parts of it; split: clean "
        "divides no person, publication or copy, and leaves 4 images with a contradicted label out",
    ),
)
ONE_PERSON = (
    ("Patient 154", "Patient 163"),
    ("Patient 155", "Patient 162"),
    ("Patient 157", "Patient 166"),
    ("Patient 158", "Patient 165"),
    ("Patient 159", "Patient 164"),
    ("Patient 160", "Patient 167"),
    ("Patient 124", "Patient 126", "Patient 168"),
    ("Patient 125", "Patient 127", "Patient 169"),
    tuple(f"Patient {number}" for number in range(128, 140)),
    ("Patient 176", "Patient 177"),
    ("medpix_patient_3", "medpix_patient_33", "medpix_patient_47"),
    ("crawled_patient_71", "Patient 195", "Patient 196"),
)
"""Names in Meta that are one person, as their images show, each looked at.

These are six slices that were printed twice (cropped or windowed otherwise), "Pt 1" and "Pt 2" of a
figure, two figures whose persons cannot be distinguished, one CT, and the copies below.
"""
KNOWN_COPIES = {
    "71%0.jpg": "kjr-21-e24-p5-29.png",
    "71%1.jpg": "kjr-21-e24-p5-31.png",
}


def index(root: Path) -> Samples:
    """COVID-CT: 746 CT images cut from papers, of 358 persons, with an official split.

    The split is kept as it was published, though some persons are in several parts of it.

    Args:
        root: A clone of its repository, with Images-processed, Data-split and Meta.

    Raises:
        DataError: Where a folder, a list or a listed image is missing.
    """
    require_folder(root, HOW)
    tables, notes = zip(*(_index_class(root, name) for name in CLASSES), strict=True)
    table, joined = _join_names(pd.concat(tables, ignore_index=True))
    return Samples(
        root,
        table,
        classes=CLASSES,
        positive="COVID",
        published=(NAME,),
        notes=(*(note for group in notes for note in group), *joined, *_contradictions(table)),
    )


def listed(root: Path) -> pd.DataFrame:
    """What Data-split names, whether it is there or not, under the names of Meta."""
    return pd.concat([_class_table(root, name) for name in CLASSES], ignore_index=True)


def _join_names(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with one name per person, and a note that counts the names that were joined."""
    groups = [[name for name in names if name in set(table["patient"])] for names in ONE_PERSON]
    groups = [names for names in groups if len(names) > 1]
    person_of = {name: names[0] for names in groups for name in names}
    note = f"{len(person_of)} names in Meta are of {len(groups)} persons and count as these"
    joined = table.assign(patient=table["patient"].replace(person_of))
    return joined, [note] if groups else []


def _index_class(root: Path, name: str) -> tuple[pd.DataFrame, list[str]]:
    folder = f"Images-processed/CT_{name}"
    require_folder(root / folder, HOW)
    found = find_images(root, folder)
    present = {Path(path).name for path in found.images}
    files = sorted(_read_lists(root, name))
    absent = sorted(set(files) - present)
    if absent:
        raise DataError(
            f"{root / folder}: {len(absent)} images of Data-split are missing, for example "
            f"{absent[0]}; unpack CT_{name}.zip again"
        )
    notes = _notes(name, len(present) - len(files), files, _read_patients(root, name))
    return _class_table(root, name), [*notes, *(f"{folder}: {note}" for note in found.notes())]


def _class_table(root: Path, name: str) -> pd.DataFrame:
    """The images of a class that the lists name."""
    split_of = _read_lists(root, name)
    patient_of = _read_patients(root, name)
    files = sorted(split_of)
    return make_table(
        [f"Images-processed/CT_{name}/{file}" for file in files],
        source=NAME,
        label=name,
        patient=[patient_of.get(_stem(file), f"image {file}") for file in files],
        split=[split_of[file] for file in files],
    )


def _notes(name: str, unlisted: int, files: list[str], patient_of: dict[str, str]) -> list[str]:
    nameless = sum(_stem(file) not in patient_of for file in files)
    notes = []
    if unlisted:
        notes.append(f"{unlisted} {name} images are in no list of Data-split and are left out")
    if nameless:
        notes.append(f"{nameless} {name} images have no patient in Meta: each is its own group")
    return notes


def _contradictions(table: pd.DataFrame) -> list[str]:
    """The same scan under both labels: the copies' arrows, too, are at the same places."""
    split_of = dict(zip(table["path"].str.rsplit("/", n=1).str[1], table["split"], strict=True))
    return [
        f"{healthy} (NonCOVID, {split_of[healthy]}) shows the same scan as "
        f"{ill} (COVID, {split_of[ill]})"
        for healthy, ill in KNOWN_COPIES.items()
        if healthy in split_of and ill in split_of
    ]


def _read_lists(root: Path, name: str) -> dict[str, str]:
    """The official split of each file name of a class."""
    split_of = {}
    for split in SPLITS:
        path = root / "Data-split" / name / f"{split}CT_{name}.txt"
        if not path.is_file():
            raise DataError(f"no file {path}: {HOW}")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise DataError(f"cannot read {path} ({first_line(error)}): {HOW}") from error
        split_of.update({line.strip(): split for line in lines if line.strip()})
    return split_of


def _read_patients(root: Path, name: str) -> dict[str, str]:
    """The patient of each file stem: in its test rows the xlsx drops the file extension."""
    file, image, patient = TABLES[name]
    path = root / "Meta" / file
    if not path.is_file():
        raise DataError(f"no file {path}: {HOW}")
    read = pd.read_excel if path.suffix == ".xlsx" else pd.read_csv
    try:
        table = read(path, usecols=[image, patient], dtype=str).dropna()
    except (OSError, ValueError, BadZipFile) as error:
        raise DataError(
            f"cannot read the patients of {path} ({first_line(error)}): {HOW}"
        ) from error
    return {_stem(row[image]): row[patient].strip() for _, row in table.iterrows()}


def _stem(name: str) -> str:
    """The name without its image extension; other dots stay, for names begin like 2020.01.24."""
    return re.sub(r"\.(png|jpe?g)$", "", name.strip(), flags=re.IGNORECASE)
