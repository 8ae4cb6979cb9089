"""Whose images are whose: by the tags of scans, by folders, or by the scans themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from data_modules.sets.scans import Row

TAGS, FOLDERS, STUDIES, IMAGES = "tags", "folders", "studies", "images"


@dataclass(frozen=True)
class Patients:
    """The patient of each image.

    Attributes:
        by: What says it: `tags`, `folders`, `studies` (nothing does: a scan is its own group) or
            `images` (the same of pictures).
        names: The patient of each image.
        named: Whether every image has a patient by tags or folders.
        notes: What is to be said of it.
    """

    by: str
    names: list[str]
    named: bool
    notes: tuple[str, ...] = ()


def patients_of(rows: Sequence[Row], folders: Sequence[str] | None = None) -> Patients:
    """Take the patient of the tags, or else of the folder, or else each scan as one.

    Args:
        rows: The images.
        folders: The patient of each image by its folder, where folders are patients.
    """
    own = list(folders) if folders is not None else [""] * len(rows)
    if any(row.person for row in rows):
        both = list(zip(rows, own, strict=True))
        names = [row.person or name or row.study or row.path for row, name in both]
        lacking = sum(not (row.person or name) for row, name in both)
        persons = len({row.person for row in rows} - {""})
        notes = [f"patients are those of the DICOM tags, hashed: {persons}"]
        if lacking:
            notes.append(f"WARNING: no tag names the patient of {lacking} images: a scan is one")
        return Patients(TAGS, names, not lacking, tuple(notes))
    if folders is not None:
        return Patients(FOLDERS, own, True)
    if any(row.study for row in rows):
        note = "patients are not named: each series or volume is its own group"
        return Patients(STUDIES, [row.study or row.path for row in rows], False, (note,))
    return Patients(IMAGES, [row.path for row in rows], False)
