"""Which files are scored: those that are named, those in folders, and those that a table lists."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_modules.sets.csv_rows import read_rows
from data_modules.sets.listing import find_images
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


def find_inputs(paths: Sequence[str | Path], out: Path | None = None) -> Inputs:
    """The files to score; nothing is read of their labels or of the folders' names.

    Args:
        paths: Files, folders (with all below them), and CSV tables with a column `path`, relative
            to the table's folder, and maybe `patient` and `study`.
        out: A folder whose files are an earlier prediction's, and are passed over.

    Raises:
        MatlError: There is no such path, nothing to score, or a file stands for two patients or
            studies.
        DataError: A folder cannot be listed, or a table is none.
    """
    inputs = Inputs()
    own = None if out is None else os.path.realpath(out)
    named: dict[str, ImageFile] = {}
    repeated = earlier = 0
    for path in map(Path, paths):
        for one in _below(path, inputs.notes):
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


def _below(path: Path, notes: list[str]) -> Iterator[ImageFile]:
    refuse_irregular(path)
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise MatlError(f"the name {str(path)!a} is not UTF-8; rename it") from error
    if path.is_dir():
        found = find_images(path)
        notes += [f"{path}: {note}" for note in found.notes()]
        yield from (ImageFile(str(path / one)) for one in found.images)
    elif not path.is_file():
        raise MatlError(f"{path}: no such file or folder; name images, folders or a CSV table")
    elif path.suffix.lower() == TABLE:
        yield from _listed(path, notes)
    else:
        yield ImageFile(str(path))


def _listed(table: Path, notes: list[str]) -> Iterator[ImageFile]:
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
        notes.append(f"{table}: columns that are passed over: {', '.join(others)}")
    filled = rows.reindex(columns=list(known), fill_value="")
    for name, patient, study in zip(*(filled[one].tolist() for one in known), strict=True):
        yield ImageFile(str(table.parent / name), patient, study)


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
