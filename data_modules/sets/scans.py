"""Files of scans as rows of a table: the slices of DICOM series and of volumes."""

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_modules.arrays import in_threads
from data_modules.errors import DataError
from data_modules.formats.dicom import read_header
from data_modules.formats.dicom_header import Header
from data_modules.formats.images import GREY, is_picture
from data_modules.formats.places import HOUNSFIELD, place_of, slice_paths
from data_modules.formats.volumes import VolumeHeader, is_volume, suffix_of
from data_modules.formats.volumes import read_header as read_volume_header
from data_modules.persons import Persons, names_a_person
from data_modules.sets.listing import is_scan
from data_modules.sets.series import odd_notes, ordered_series

NO_IMAGE = "is a DICOM"
"""How `read_header` begins to say that a file holds no image."""
MOST_LISTED = 20
FRAMES = "holds several frames that are no slices: name one, as in file.dcm#000"
LEAST_WORD = 4
"""Letters of a name that is looked for in paths."""
SLICES = "data.options.slices: write all, or {every: 5} for each fifth slice"
ASSUMED = "values of volumes are taken as Hounsfield units, which such files do not state"


@dataclass
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
        return [getattr(row, name) for row in self.rows]

    def further(self) -> dict[str, list[str]]:
        """The columns that only scans have, where there is one."""
        names = ("slice", "spacing", "unit")
        return {name: self.column(name) for name in names if any(self.column(name))}


def step_of(slices: Any) -> int:
    """Each how many-th slice is taken, by the option `slices`.

    Raises:
        DataError: The option is neither `all` nor `{every: n}`.
    """
    if slices == "all":
        return 1
    if isinstance(slices, Mapping) and set(slices) == {"every"}:
        every = slices["every"]
        if type(every) is int and every > 0:
            return every
    raise DataError(f"{SLICES}; {slices!r} is neither")


def expand(root: Path, paths: Sequence[str], slices: Any = "all", grey: bool = False) -> Scans:
    """Turn paths into images: each picture is one, scans are their slices.

    DICOM files are grouped by SeriesInstanceUID within their folder and sorted by position. A file
    that cannot be read remains one row, so that whoever decodes it says why.

    Args:
        root: The folder that paths start from.
        paths: Pictures, DICOM files, folders of a DICOM series, volumes, and slices of volumes.
        slices: As of `step_of`, for scans that are not named slice by slice.
        grey: Whether a range of grey values is stated, so that values of no stated unit are such.

    Raises:
        DataError: A library is missing, a folder holds no DICOM file, or identities cannot be
            hashed.
    """
    step, root = step_of(slices), Path(root)
    members = [_Member(file, path) for path in paths for file in _files(root, path)]
    unseen = [one for one in members if not is_picture(root / one.path)]
    headers = dict(zip((one.path for one in unseen), _headers(root, unseen), strict=True))
    place, notes = {path: number for number, path in enumerate(paths)}, _Notes()
    found: list[tuple[int, list[Row]]] = []
    series: dict[tuple[str, str], list[_Member]] = {}
    for one in members:
        header = headers.get(one.path)
        if isinstance(header, Header) and _are_slices(one, header):
            series.setdefault(_series_key(one, header), []).append(one)
        elif isinstance(header, VolumeHeader):
            found.append((place[one.given], _volume_rows(one, header, step, grey, notes)))
        elif header == NO_IMAGE:
            notes.without_image.append(one.path)
        else:
            found.append((place[one.given], [Row(one.path, one.given)]))
            if header is not None:
                notes.unreadable[one.path] = header if isinstance(header, str) else FRAMES
    persons = Persons(root)
    for group in series.values():
        rows = _series_rows(group, headers, step, grey, persons, notes)
        found.append((min(place[one.given] for one in group), rows))
    found.sort(key=lambda one: one[0])
    return Scans([row for _, rows in found for row in rows], notes.lines(series))


@dataclass(frozen=True)
class _Member:
    """A file, or a slice of it, and the path that stands for it."""

    path: str
    given: str


@dataclass
class _Notes:
    """What is to be said, by a path that it is true of."""

    odd: dict[str, list[str]] = field(default_factory=dict)
    assumed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    without_image: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)

    def lines(self, series: Iterable[tuple[str, str]]) -> list[str]:
        lines = odd_notes(self.odd)
        for text in dict.fromkeys(text for texts in self.assumed.values() for text in texts):
            such = [path for path, texts in self.assumed.items() if text in texts]
            lines.append(f"{text} ({len(such)} scans, such as {such[0]})")
        if self.unreadable:
            lines.append(f"WARNING: {len(self.unreadable)} scans cannot be read: {self._reasons()}")
        if self.without_image:
            one = self.without_image[0]
            lines.append(f"{len(self.without_image)} DICOM files hold no image, such as {one}")
        folders = Counter(folder for folder, _ in series)
        if several := [folder for folder, count in folders.items() if count > 1]:
            lines.append(
                f"WARNING: {len(several)} folders hold several series, such as "
                f"{several[0] or 'the data folder'} with {folders[several[0]]}: each is one study"
            )
        if self.named:
            lines.append(
                f"WARNING: {len(self.named)} names of files or folders hold the patient's name or "
                "identifier of the tags, and paths are written into reports: rename them"
            )
        return lines

    def _reasons(self) -> str:
        first = list(self.unreadable.items())[:MOST_LISTED]
        more = len(self.unreadable) - len(first)
        listed = "; ".join(f"{path} {reason}" for path, reason in first)
        return f"{listed}; and {more} more" if more else listed


def _files(root: Path, path: str) -> list[str]:
    """The path itself, or the DICOM files in the folder that it names."""
    if not (root / path).is_dir():
        return [path]
    names = sorted(one.name for one in (root / path).iterdir() if one.is_file())
    names = [name for name in names if is_scan(str(root / path / name)) and not is_volume(name)]
    if not names:
        raise DataError(f"{root / path}: is a folder without a DICOM file; name a file")
    return [posixpath.join(path, name) for name in names]


def _headers(root: Path, members: Sequence[_Member]) -> Iterable[Header | VolumeHeader | str]:
    """The header of each file, or why it has none."""
    return in_threads(lambda one: _header(str(root / place_of(one.path).file)), members)


def _header(file: str) -> Header | VolumeHeader | str:
    try:
        return read_volume_header(file) if is_volume(file) else read_header(file)
    except DataError:
        raise
    except ValueError as error:
        return NO_IMAGE if str(error).startswith(NO_IMAGE) else str(error)


def _are_slices(one: _Member, header: Header) -> bool:
    """Whether a file is one image, or slices; or one of its frames is named."""
    return header.frames == 1 or header.volume or place_of(one.path).number is not None


def _series_key(one: _Member, header: Header) -> tuple[str, str]:
    """Folder and series; a frame that is named, or what names no series, is by itself."""
    alone = place_of(one.path).number is not None or not header.series
    folder = posixpath.dirname(one.path)
    return (folder, one.path) if alone else (folder, header.series)


def _volume_rows(
    one: _Member, header: VolumeHeader, step: int, grey: bool, notes: _Notes
) -> list[Row]:
    place, count = place_of(one.path), header.shape[0]
    numbers = list(range(0, count, step)) if place.number is None else [place.number]
    paths = slice_paths(place.file, numbers, count) if place.number is None else [one.path]
    said = header.notes if grey else (*header.notes, ASSUMED)
    notes.assumed[place.file] = said
    return [
        Row(
            path,
            one.given,
            study=place.file.removesuffix(place.file[-len(suffix_of(place.file)) :]),
            slice=str(number),
            spacing=_spacing(header.spacing[1:]),
            unit=GREY if grey else HOUNSFIELD,
        )
        for path, number in zip(paths, numbers, strict=True)
    ]


def _series_rows(
    group: Sequence[_Member],
    headers: Mapping[str, Header | VolumeHeader | str],
    step: int,
    grey: bool,
    persons: Persons,
    notes: _Notes,
) -> list[Row]:
    pairs = [(one.path, headers[one.path]) for one in group]
    members = [(path, header) for path, header in pairs if isinstance(header, Header)]
    named = {path for path, _ in members if place_of(path).number is not None}
    series = ordered_series(members)
    notes.odd[members[0][0]] = series.odd
    notes.assumed[members[0][0]] = members[0][1].assumed
    given = {one.path: one.given for one in group}
    rows = []
    for number in range(0, len(series.paths), 1 if named else step):
        path, header = series.paths[number], series.headers[number]
        file = path if path in given else place_of(path).file
        person = header.person if names_a_person(header.person) else ""
        if person and _is_in(header.names, path):
            notes.named.append(path)
        rows.append(
            Row(
                path,
                given[file],
                study=persons.stand_in(header.series) or posixpath.dirname(path) or path,
                person=persons.stand_in(person),
                slice=str(place_of(path).number if named else number),
                spacing=_spacing(header.spacing),
                unit=_unit(header, grey),
            )
        )
    return rows


def _unit(header: Header, grey: bool) -> str:
    """The unit; what is only assumed to be Hounsfield units is grey where a range is stated."""
    return GREY if grey and header.unit == HOUNSFIELD and header.assumed else header.unit


def _is_in(names: Sequence[str], path: str) -> bool:
    known = [name.lower() for name in names if len(name) >= LEAST_WORD]
    return any(name in path.lower() for name in known)


def _spacing(steps: Sequence[float] | None) -> str:
    """Millimetres per pixel, rows and columns apart where they differ."""
    if steps is None:
        return ""
    return " x ".join(dict.fromkeys(f"{step:.4g}" for step in steps))
