"""Files of scans as rows of a table: the slices of DICOM series and of volumes."""

import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.arrays import in_threads
from data_modules.errors import DataError
from data_modules.formats.images import GREY, is_picture
from data_modules.formats.pictures import SUFFIXES
from data_modules.formats.places import HOUNSFIELD, place_of, slice_paths
from data_modules.formats.volumes import VolumeHeader, is_volume, suffix_of
from data_modules.formats.volumes import read_header as read_volume_header
from data_modules.persons import Persons
from data_modules.sets.headers import NO_IMAGE, UnnamedHeader, unnamed_headers
from data_modules.sets.listing import is_scan
from data_modules.sets.scan_notes import ScanNotes
from data_modules.sets.series import ordered_series
from data_modules.slices import slices_of

FRAMES = "holds several frames that are no slices: name one, as in file.dcm#000"
ASSUMED = "values of volumes are taken as Hounsfield units, which such files do not state"
AnyHeader = UnnamedHeader | VolumeHeader | str
"""What a file says, or why it cannot be read."""


@dataclass(slots=True)
class Row:
    """An image of a data set.

    Attributes:
        path: As in the table, a slice's number included.
        given: The path that it stands for: the file, or the folder of its series.
        study: The series or volume that it is a slice of; "" of a picture.
        person: The stand-in for the patient that the tags name; "" where they name none.
        slice: Its place in the series or volume, from 0.
        spacing: Millimetres per pixel; "" where not known.
        unit: "HU", "grey" or "".
    """

    path: str
    given: str
    study: str = ""
    person: str = ""
    slice: str = ""
    spacing: str = ""
    unit: str = ""


@dataclass
class Scans:
    """What files turned out to hold.

    Attributes:
        rows: One for each image, in the order of the paths that were given.
        notes: What is left out, odd or assumed.
    """

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        """What one attribute of every row is."""
        return list(map(attrgetter(name), self.rows))

    def further(self) -> dict[str, list[str]]:
        """The columns that only scans have, where there is one."""
        names = ("slice", "spacing", "unit")
        return {name: self.column(name) for name in names if any(self.column(name))}


def expand(
    root: Path,
    paths: Sequence[str],
    slices: Any = "all",
    grey: bool = False,
    persons: Persons | None = None,
    memo: Path | None = None,
) -> Scans:
    """Turn paths into images: each picture is one, scans are their slices.

    DICOM files are grouped by SeriesInstanceUID within their folder and sorted by position. A file
    that cannot be read remains one row, so that whoever decodes it says why.

    Args:
        root: The folder that paths start from.
        paths: Pictures, DICOM files, folders of a DICOM series, volumes, and slices of volumes.
        slices: As of `data_modules.slices`, of which only `every` is seen to, for scans that are
            not named slice by slice.
        grey: Whether a range of grey values is stated, so that values of no stated unit are such.
        persons: Who makes stand-ins; None hashes by the salt in `root`.
        memo: Where headers of DICOM files are remembered; see `data_modules.sets.headers`.

    Raises:
        DataError: A library is missing, a folder holds no DICOM file, or identities cannot be
            hashed.
    """
    root, notes = Path(root), ScanNotes()
    how, persons = _How(slices_of(slices).every, grey), persons or Persons(root)
    pictures = [suffix_of(path) in SUFFIXES for path in paths]  # most files, of which all is known
    others = [path for path, is_one in zip(paths, pictures, strict=True) if not is_one]
    members = [_Member(file, path) for path in others for file in _files(root, path)]
    unseen = [one for one in members if not is_picture(os.path.join(root, one.path))]
    headers = _headers(root, unseen, persons, memo)
    series, alone = _in_series(members, headers)
    place = {path: number for number, path in enumerate(paths)}
    found = [(n, [Row(paths[n], paths[n])]) for n in np.flatnonzero(pictures).tolist()]
    found += [(place[one.given], _rows(one, headers.get(one.path), how, notes)) for one in alone]
    for group in series.values():
        first = min(place[one.given] for one, _ in group)
        found.append((first, _series_rows(group, how, notes)))
    found.sort(key=lambda one: one[0])
    known = [key for key, group in series.items() if key[1] == group[0][1].series]
    return Scans([row for _, rows in found for row in rows], notes.lines(known))


@dataclass(frozen=True)
class _How:
    """Each how many-th slice is taken, and what is grey."""

    step: int
    grey: bool


@dataclass(frozen=True)
class _Member:
    """A file, or a slice of it, and the path that stands for it."""

    path: str
    given: str


def _files(root: Path, path: str) -> list[str]:
    """The path itself, or the DICOM files in the folder that it names."""
    if not (root / path).is_dir():
        return [path]
    names = sorted(one.name for one in (root / path).iterdir() if one.is_file())
    names = [name for name in names if is_scan(str(root / path / name)) and not is_volume(name)]
    if not names:
        raise DataError(f"{root / path}: is a folder without a DICOM file; name a file")
    return [posixpath.join(path, name) for name in names]


def _headers(
    root: Path, members: Sequence[_Member], persons: Persons, memo: Path | None
) -> dict[str, AnyHeader]:
    """The header of each path's file, or why it has none."""
    file_of_path = {one.path: place_of(one.path).file for one in members}
    files = dict.fromkeys(file_of_path.values())
    volumes = [file for file in files if is_volume(file)]
    others = [file for file in files if not is_volume(file)]
    known: dict[str, AnyHeader] = dict(
        zip(volumes, in_threads(lambda file: _volume_header(root / file), volumes), strict=True)
    )
    known |= zip(others, unnamed_headers(root, others, persons, memo), strict=True)
    return {path: known[file] for path, file in file_of_path.items()}


def _volume_header(file: Path) -> VolumeHeader | str:
    try:
        return read_volume_header(str(file))
    except DataError:
        raise
    except ValueError as error:
        return str(error)


def _are_slices(one: _Member, header: UnnamedHeader) -> bool:
    """Whether a file is one image, or slices; or one of its frames is named."""
    return header.frames == 1 or header.volume or place_of(one.path).number is not None


def _series_key(one: _Member, header: UnnamedHeader) -> tuple[str, str]:
    """Folder and series; a frame that is named, or what names no series, is by itself."""
    alone = place_of(one.path).number is not None or not header.series
    folder = posixpath.dirname(one.path)
    return (folder, one.path) if alone else (folder, header.series)


def _in_series(
    members: Sequence[_Member], headers: Mapping[str, AnyHeader]
) -> tuple[dict[tuple[str, str], list[tuple[_Member, UnnamedHeader]]], list[_Member]]:
    """The DICOM files of each series, and all other files."""
    series: dict[tuple[str, str], list[tuple[_Member, UnnamedHeader]]] = {}
    alone = []
    for one in members:
        header = headers.get(one.path)
        if isinstance(header, UnnamedHeader) and _are_slices(one, header):
            series.setdefault(_series_key(one, header), []).append((one, header))
        else:
            alone.append(one)
    return series, alone


def _rows(one: _Member, header: AnyHeader | None, how: _How, notes: ScanNotes) -> list[Row]:
    """The images of a file that is in no series."""
    if isinstance(header, VolumeHeader):
        return _volume_rows(one, header, how, notes)
    if header == NO_IMAGE:
        notes.without_image.append(one.path)
        return []
    if header is not None:
        notes.unreadable[one.path] = header if isinstance(header, str) else FRAMES
    return [Row(one.path, one.given)]


def _volume_rows(one: _Member, header: VolumeHeader, how: _How, notes: ScanNotes) -> list[Row]:
    place, count = place_of(one.path), header.shape[0]
    numbers = list(range(0, count, how.step)) if place.number is None else [place.number]
    paths = slice_paths(place.file, numbers, count) if place.number is None else [one.path]
    said = header.notes if how.grey else (*header.notes, ASSUMED)
    notes.assumed[place.file] = said
    return [
        Row(
            path,
            one.given,
            study=place.file.removesuffix(place.file[-len(suffix_of(place.file)) :]),
            slice=str(number),
            spacing=_spacing(header.spacing[1:]),
            unit=GREY if how.grey else HOUNSFIELD,
        )
        for path, number in zip(paths, numbers, strict=True)
    ]


def _series_rows(
    group: Sequence[tuple[_Member, UnnamedHeader]], how: _How, notes: ScanNotes
) -> list[Row]:
    members = [(one.path, header) for one, header in group]
    given = {one.path: one.given for one, _ in group}
    named = place_of(members[0][0]).number is not None
    series = ordered_series(members)
    notes.odd[members[0][0]] = series.odd
    notes.assumed[members[0][0]] = members[0][1].assumed
    rows = []
    for number in range(0, len(series.paths), 1 if named else how.step):
        path, header = series.paths[number], series.headers[number]
        file = path if path in given else place_of(path).file
        if header.named:
            notes.named.append(path)
        rows.append(
            Row(
                path,
                given[file],
                study=header.series or posixpath.dirname(path) or path,
                person=header.person,
                slice=str(place_of(path).number if named else number),
                spacing=_spacing(header.spacing),
                unit=_unit(header, how.grey),
            )
        )
    return rows


def _unit(header: UnnamedHeader, grey: bool) -> str:
    """The unit; what is only assumed to be Hounsfield units is grey where a range is stated."""
    return GREY if grey and header.unit == HOUNSFIELD and header.assumed else header.unit


def _spacing(steps: Sequence[float] | None) -> str:
    """Millimetres per pixel, rows and columns apart where they differ."""
    if steps is None:
        return ""
    return " x ".join(dict.fromkeys(f"{step:.4g}" for step in steps))
