"""Which files are scored: those that are named, those in folders, and those that a table lists."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from data_modules.formats.places import file_of
from data_modules.persons import SALT, Persons
from data_modules.sets.csv_rows import read_rows
from data_modules.sets.listing import find_images
from data_modules.sets.scans import expand
from data_modules.spelling import form
from matl.errors import MatlError
from matl.files import refuse_irregular

TABLE = ".csv"
PATH, PATIENT, STUDY = "path", "patient", "study"


@dataclass(frozen=True)
class ImageFile:
    """A file to score.

    Attributes:
        path: As it can be opened from the present folder.
        patient: Its person, "" where none is named.
        study: Its study, "" where none is named.
    """

    path: str
    patient: str = ""
    study: str = ""


@dataclass
class Inputs:
    """All files to score.

    Attributes:
        files: Each once, in the order in which they were named.
        notes: What is passed over, in words.
    """

    files: list[ImageFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_inputs(paths: Sequence[str | Path], out: Path | None = None, grey: bool = False) -> Inputs:
    """The files to score; nothing is read of their labels or of the folders' names.

    Each slice of a scan is one: its study is the series or volume, its patient the one of the tags,
    both hashed as of the data set `folder`, unless a table says otherwise. Where a folder holds no
    salt, one is drawn for this call alone; nothing is written into a folder.

    Args:
        paths: Files, folders (with all below them), and CSV tables with a column `path`, relative
            to the table's folder, and maybe `patient` and `study`.
        out: A folder whose files are an earlier prediction's, and are passed over.
        grey: As of `data_modules.sets.scans.expand`.

    Raises:
        MatlError: There is no such path, nothing to score, or a file stands for two patients or
            studies.
        DataError: A folder cannot be listed, or a table is none.
    """
    inputs = Inputs()
    own = None if out is None else os.path.realpath(out)
    named: dict[str, ImageFile] = {}
    repeated = earlier = 0
    with TemporaryDirectory() as salt:
        reading = _Reading(grey, Persons(Path(salt)), inputs.notes)
        found = [one for path in map(Path, paths) for one in _below(path, reading)]
    for one in found:
        place = os.path.realpath(one.path)
        if own is not None and Path(place).is_relative_to(own):
            earlier += 1
        elif place in named:
            _refuse_other(one, named[place])
            repeated += 1
        else:
            named[place] = one
    inputs.files = list(named.values())
    if not inputs.files:
        listed = ", ".join(map(str, paths)) or "no path"
        said = "".join(f" ({note.removeprefix('WARNING: ')})" for note in inputs.notes)
        raise MatlError(f"{listed}: holds no image to score{said}; name files, folders or a CSV")
    if repeated:
        inputs.notes.append(f"{repeated} files are named more than once, and scored once")
    if earlier:
        inputs.notes.append(f"{earlier} files in {out}, where predictions go, are passed over")
    inputs.notes += _unnamed(inputs.files)
    return inputs


@dataclass(frozen=True)
class _Reading:
    """How paths are read: `grey` of `find_inputs`, who stands in without a salt, and the notes."""

    grey: bool
    unsalted: Persons
    notes: list[str]


def _below(path: Path, reading: _Reading) -> Iterator[ImageFile]:
    refuse_irregular(path)
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise MatlError(f"the name {str(path)!a} is not UTF-8; rename it") from error
    if path.is_dir():
        found = find_images(path, scans=True)
        reading.notes.extend(f"{path}: {note}" for note in found.notes())
        yield from _slices(path, {one: ImageFile("") for one in found.images}, reading)
    elif not Path(file_of(str(path))).is_file():
        raise MatlError(f"{path}: no such file or folder; name images, folders or a CSV table")
    elif path.suffix.lower() == TABLE:
        yield from _listed(path, reading)
    else:
        yield from _slices(path.parent, {path.name: ImageFile("")}, reading)


def _slices(folder: Path, said: Mapping[str, ImageFile], reading: _Reading) -> Iterator[ImageFile]:
    """The images of files in a folder, with what is said of them, or else what their tags say."""
    persons = Persons(folder) if (folder / SALT).exists() else reading.unsalted
    scans = expand(folder, list(said), grey=reading.grey, persons=persons)
    reading.notes.extend(f"{folder}: {note}" for note in scans.notes)
    for row in scans.rows:
        given = said[row.given]
        patient, study = given.patient or row.person, given.study or row.study
        yield ImageFile(str(folder / row.path), patient, study)


def _listed(table: Path, reading: _Reading) -> Iterator[ImageFile]:
    """The files that a table names."""
    rows = read_rows(table)
    known = (PATH, PATIENT, STUDY)
    others = [name for name in rows.columns if name not in known]
    for name in others:
        if meant := [one for one in known if one not in rows and form(one) == form(name)]:
            raise MatlError(f"{table}: unknown column '{name}': rename it to '{meant[0]}'")
    if PATH not in rows:
        raise MatlError(
            f"{table}: no column '{PATH}' in {', '.join(rows.columns)}; name it in line 1"
        )
    if (rows[PATH] == "").any():
        raise MatlError(f"{table}: {(rows[PATH] == '').sum()} rows have no path; fill it in")
    if others:
        reading.notes.append(f"{table}: columns that are passed over: {', '.join(others)}")
    filled = rows.reindex(columns=list(known), fill_value="")
    said: dict[str, ImageFile] = {}
    for one in itertools.starmap(ImageFile, filled.itertuples(index=False)):
        _refuse_other(one, said.setdefault(one.path, one))
    if again := len(filled) - len(said):
        reading.notes.append(f"{table}: {again} rows name a file again, and are passed over")
    yield from _slices(table.parent, said, reading)


def _refuse_other(one: ImageFile, first: ImageFile) -> None:
    """Refuses a file whose patient or study was another one when it was first named."""
    for what, given, before in (
        (PATIENT, one.patient, first.patient),
        (STUDY, one.study, first.study),
    ):
        if given != before:
            raise MatlError(
                f"{one.path}: is named twice, with the {what} '{before}' and '{given}'; name it "
                "once"
            )


def _unnamed(files: Sequence[ImageFile]) -> list[str]:
    """What a mean leaves out where some files name a patient or study, and others do not."""
    notes = []
    for what in (PATIENT, STUDY):
        without = sum(not getattr(one, what) for one in files)
        if 0 < without < len(files):
            notes.append(
                f"WARNING: {without} of {len(files)} files name no {what}, and are in no mean of "
                "one"
            )
    return notes
