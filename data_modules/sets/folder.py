"""Any folder of images: with or without splits, with or without class and patient folders."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_modules.errors import DataError
from data_modules.samples import SPLITS, Samples, Source, folder_key
from data_modules.sets.listing import (
    find_images,
    folders_in,
    make_table,
    numbered_names,
    require_folder,
)
from data_modules.sets.masks import masks_of
from data_modules.sets.patients import IMAGES, patients_of
from data_modules.sets.scans import expand
from data_modules.splits import split_by_patient

HOW = (
    "lay images out as [train|val|test/]<class>/[<patient>/]<image>, or all in one folder without "
    "labels"
)
SPLIT_WORDS = {
    "train": re.compile(r"x?train(ing)?(set|data|images|split)?s?|trn|development"),
    "val": re.compile(r"x?val(id(at(e|ion))?)?(set|data|images|split)?s?|dev"),
    "test": re.compile(
        r"(x|public|private|internal|external)?test(ing)?(set|data|images|split)?s?|tst|"
        r"(hold|held)out(set|data|images|split)?|eval(uation)?(set|data|images|split)?"
    ),
}
"""What a split may be called, in lower case and without separators."""
FEW_PATIENTS, NEARLY_ALL = 6, 0.9
"""Fewer folders, or such a share of them in every class, may be no patients."""
SHORT_WORDS = {"tr": "train", "va": "val", "vl": "val", "te": "test"}
"""What a split may be called beside others."""


def index(
    root: Path,
    split_seed: int = 0,
    masks: str = "",
    slices: Any = "all",
    range: Any = None,
    spacing: Any = None,
    memo: Path | None = None,
) -> Samples:
    """Any folder of images: `[train|val|test/][class/][patient/]files`.

    Files are pictures, DICOM and volumes, whose slices are images (`data_modules.sets.scans`).
    Folders below the classes are patients, where no tag of a DICOM file names one. Class folders
    without split folders are split 70/10/20 by patient, or by image where there are none; images
    without a class are unlabelled and train. The source is the folder's name.

    Args:
        root: The folder.
        split_seed: Seed of the split.
        masks: A folder beside `root`, relative to it (`../masks`), with the masks of the images
            under the same names; their file types may differ. See `data_modules.sets.masks`.
        slices: Which slices of scans are images: "all", or any of {"every": n} for each n-th,
            {"lungs": share} and {"different": n}; see `data_modules.slices`. Whoever loads the data
            set sees to the last two.
        range: The values that become black and white of images of more than 8 bits that are not in
            Hounsfield units.
        spacing: Millimetres per pixel that slices are looked at with; whoever loads the data set
            sees to it, by `data_modules.spacing`.
        memo: The folder of what is remembered of DICOM files; None reads each header.

    Raises:
        DataError: Where the folder is missing or empty, mixes two layouts, or no mask is found.
    """
    require_folder(root, HOW)
    parts = _split_folders(root)
    found = find_images(root, scans=True)
    files = [path for path in found.images if "/" in path] if parts else found.images
    if not files:
        more = "".join(f"; {note}" for note in found.notes())
        raise DataError(f"{root}: no images: {HOW}{more}")
    scans = expand(root, files, slices, grey=range is not None, memo=memo)
    paths = scans.column("path")
    folders = [path.rpartition("/")[0] for path in paths]
    depth = 1 if parts else 0
    label_of = _labels(root, set(folders), depth)
    patient_of = _patients(root, set(folders), depth + 1)
    split_of = {name: name.split("/", 1)[0].lower() for name in set(folders)}
    source = root.resolve().name
    own = [patient_of[name] for name in folders] if patient_of else None
    patients = patients_of(scans.rows, own)
    table = make_table(
        paths,
        source=source,
        label=[label_of[name] for name in folders],
        patient=patients.names,
        split=[split_of[name] for name in folders] if parts else "train",
        study=scans.column("study"),
    ).assign(**scans.further())
    classes = tuple(sorted(set(label_of.values()) - {""}))
    notes = [*scans.notes, *patients.notes]
    if not patients.notes:
        notes += _patient_notes(paths, patient_of, label_of)
    if masks:
        table["mask"], missing = masks_of(root, masks, paths)
        notes += missing
    dealt = bool(classes) and not parts
    if dealt:
        table["split"] = split_by_patient(table.assign(source=folder_key(0)), split_seed)
        by = "image" if patients.by == IMAGES else "patient"
        notes.append(f"no split folders: split by {by}, 70/10/20, seed {split_seed}")
    if len(found.images) > len(files):
        left = len(found.images) - len(files)
        notes.append(f"{left} images outside the split folders are left out")
    return Samples(
        root,
        table,
        classes=classes,
        patients_named=patients.named,
        alone=patients.by == IMAGES,
        split_seed=split_seed if dealt else None,
        notes=(*notes, *found.notes()),
        sources=(Source(source, by_folder=True),),
    )


def split_meant(word: str) -> str | None:
    """The split that a word such as `Training_Set` or `valid` seems to stand for."""
    bare = _bare(word)
    return next((split for split, known in SPLIT_WORDS.items() if known.fullmatch(bare)), None)


def are_splits(words: Iterable[str]) -> bool:
    """Whether several words all seem to stand for splits, as `tr` and `te` do."""
    meant = {_bare(word): SHORT_WORDS.get(_bare(word)) or split_meant(word) for word in words}
    return len(meant) > 1 and None not in meant.values()


def _bare(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).lower()


def _split_folders(root: Path) -> list[str]:
    """The folders of splits; none where classes lie in `root` itself."""
    folders = folders_in(root)
    parts = [name for name in folders if name.lower() in SPLITS]
    alike = are_splits(folders)
    for name in folders:
        meant = split_meant(name) or (alike and SHORT_WORDS[_bare(name)])
        if meant and name.lower() not in SPLITS:
            raise DataError(f"{root / name} looks like a split: rename it to '{meant}'; {HOW}")
    others = [name for name in folders if name not in parts]
    if parts and others:
        raise DataError(f"{root} mixes split folders ({parts[0]}) with others ({others[0]}): {HOW}")
    split_of: dict[str, str] = {}
    for name in parts:
        if split_of.setdefault(name.lower(), name) != name:
            raise DataError(f"{root}: {split_of[name.lower()]} and {name} are one split; join them")
    return parts


def _labels(root: Path, folders: set[str], depth: int) -> dict[str, str]:
    """The class of the images of each folder: the name at `depth` of its path, or "" above that."""
    names = {folder: _names(folder) for folder in folders}
    loose = {folder for folder in folders if len(names[folder]) == depth}
    for folder in sorted(folders - loose):
        part = "/".join(names[folder][:depth])
        if part in loose:
            raise DataError(
                f"{root / part} mixes images with folders ({names[folder][depth]}): {HOW}"
            )
    return {folder: "" if folder in loose else names[folder][depth] for folder in folders}


def _patients(root: Path, folders: set[str], depth: int) -> dict[str, str]:
    """The patient of the images of each folder: the name at `depth` of its path; {} without."""
    patient_of = {folder: _names(folder)[depth] for folder in folders if folder.count("/") >= depth}
    for folder, patient in patient_of.items():
        if split_meant(patient):
            raise DataError(f"{root / folder}: a split is within a class: {HOW}")
    bare = sorted(folders - set(patient_of))
    if patient_of and bare:
        raise DataError(
            f"{root / min(patient_of)} is the folder of a patient, but {root / bare[0]} holds "
            "images without one; give each patient a folder in every class, or none"
        )
    return patient_of


def _patient_notes(
    paths: Sequence[str], patient_of: Mapping[str, str], label_of: Mapping[str, str]
) -> list[str]:
    if not patient_of:
        return ["patients are not named: each image is its own group", *numbered_names(paths)]
    labels: dict[str, set[str]] = {}
    for folder, patient in sorted(patient_of.items()):
        labels.setdefault(patient, set()).add(label_of[folder])
    first = min(labels)
    return [
        f"patients are the folders below the classes: {len(labels)}, as {first}",
        *_doubtful_patients(labels),
    ]


def _doubtful_patients(labels: Mapping[str, set[str]]) -> list[str]:
    """A warning where the folders taken for patients may be sides, views or days.

    Args:
        labels: The classes of each patient.
    """
    classes = set().union(*labels.values())
    shared = sorted(patient for patient, own in labels.items() if own == classes)
    remedy = "put their images into the folder of the class if they are no patients"
    if len(classes) > 1 and len(shared) >= NEARLY_ALL * len(labels):
        such = " and ".join(shared[:2])
        return [
            f"WARNING: folders such as {such}, taken for patients, are in every class: {remedy}"
        ]
    if len(labels) < FEW_PATIENTS:
        such = " and ".join(sorted(labels)[:2])
        return [
            f"WARNING: only {len(labels)} folders, such as {such}, taken for patients: {remedy}"
        ]
    return []


def _names(folder: str) -> list[str]:
    return [name for name in folder.split("/") if name]
