"""The series and volumes of a folder: how each was made, and nothing that says of whom."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from data_modules.arrays import in_threads
from data_modules.audit.unnamed import Unnamed
from data_modules.counted import counted
from data_modules.errors import DataError
from data_modules.formats.dicom_technique import Technique, read_technique
from data_modules.formats.images import GREY, try_read
from data_modules.formats.places import Levels, place_of, with_levels
from data_modules.formats.volumes import is_volume, read_header, suffix_of
from data_modules.levels import found_range
from data_modules.persons import Persons
from data_modules.sets.listing import find_images, require_folder
from data_modules.sets.scans import Row, expand


@dataclass(frozen=True)
class Study:
    """A series or a volume.

    Attributes:
        rows: Its slices, in their order.
        place: The folder of its files, or its file; hidden where that holds a name of any file's
            tags.
        size: Rows and columns of the middle slice in pixels, (0, 0) where they are not known.
        step: Millimetres between slices, on average; None where not known.
        technique: How the middle slice was made.
    """

    rows: Sequence[Row]
    place: str
    size: tuple[int, int]
    step: float | None
    technique: Technique

    @property
    def middle(self) -> Row:
        """The slice in the middle."""
        return self.rows[len(self.rows) // 2]


@dataclass(frozen=True)
class Studies:
    """The series and volumes of a folder.

    Attributes:
        root: The folder.
        studies: In the order of their first files.
        notes: What is left out, odd or assumed.
    """

    root: Path
    studies: Sequence[Study]
    notes: Sequence[str]


def find_studies(root: Path) -> Studies:
    """Look at all series and volumes below a folder; nothing is written there.

    Args:
        root: The folder, of any layout. Pictures in it are counted.

    Raises:
        DataError: It is missing, or holds no scan.
    """
    require_folder(root, "name a folder of DICOM series or volumes")
    found = find_images(root, scans=True)
    with TemporaryDirectory() as salt:
        scans = expand(root, found.images, persons=Persons(Path(salt)))
    unnamed = Unnamed(root, found.images)
    groups: dict[str | tuple[str, str], list[Row]] = {}
    for row in scans.rows:
        if row.slice:
            groups.setdefault(_key(row), []).append(row)
    others = sum(not row.slice for row in scans.rows)
    notes = [*scans.notes, *found.notes()]
    if others:
        images = counted(
            others, "image is a picture, or no slice", "images are pictures, or no slices"
        )
        notes.append(f"{images} of a scan, and in no row")
    notes = unnamed.texts(notes, [*found.images, *found.empty, *scans.column("path")])
    if not groups:
        raise DataError(f"{root}: holds no DICOM series and no volume; {'; '.join(notes)}")
    studies = in_threads(lambda rows: _study(root, rows, unnamed), list(groups.values()))
    return Studies(root, list(studies), notes)


def _key(row: Row) -> str | tuple[str, str]:
    """What rows of one series or volume share: folder and series, or the volume's file."""
    file = place_of(row.path).file
    return file if is_volume(file) else (posixpath.dirname(file), row.study)


def middle_slices(studies: Studies, side: int) -> list[np.ndarray | None]:
    """The middle slice of each series, uint8 [1, side, side]; None where it cannot be read.

    Hounsfield units are seen in the lung window, other values in the slice's own range.
    """
    return list(in_threads(lambda one: _seen(studies.root, one.middle, side), studies.studies))


def _seen(root: Path, row: Row, side: int) -> np.ndarray | None:
    file = str(root / row.path)
    if row.unit == GREY:
        file = with_levels(file, str(Levels((found_range([file]),))))
    decoded = try_read(file, (side, side), 1, "pad")
    return None if isinstance(decoded, str) else decoded[0]


def _study(root: Path, rows: Sequence[Row], unnamed: Unnamed) -> Study:
    files = [place_of(row.path).file for row in rows]
    if is_volume(files[0]):
        volume = read_header(str(root / files[0]))
        kind = Technique(modality=suffix_of(files[0]).lstrip("."))
        place = unnamed.place(files[0])
        return Study(rows, place, volume.shape[1:], volume.spacing[0], kind)
    technique, header = read_technique(str(root / files[len(files) // 2]))
    folder = files[0] if len(set(files)) == 1 else posixpath.dirname(files[0]) or "."
    return Study(rows, unnamed.place(folder), header.shape, _step(root, rows), technique)


def _step(root: Path, rows: Sequence[Row]) -> float | None:
    """Millimetres between the slices of a series, by the places of the first and the last."""
    ends = []
    for row in (rows[0], rows[-1]):
        place = place_of(row.path)
        ends.append(read_technique(str(root / place.file))[1].heights()[place.number or 0])
    if len(rows) < 2 or not np.isfinite(ends).all():
        return None
    return float(abs(ends[1] - ends[0]) / (len(rows) - 1))
