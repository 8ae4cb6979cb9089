"""The files that `matl data` writes: nothing but an earlier one of its own is replaced."""

import csv
from collections.abc import Callable
from pathlib import Path

from data_modules.audit.near_duplicates import COLUMNS
from data_modules.audit.overview import is_contact_sheet
from matl.errors import MatlError

LIST_COLUMNS = ("stage", *COLUMNS)
_LONGEST_HEADER = 1000


def refuse_targets(sheet: Path | None, duplicates: Path | None) -> None:
    """Refuses files that cannot be written, or whose content is not matl's to replace.

    Args:
        sheet: The PNG file of a contact sheet.
        duplicates: The CSV file of the pairs of images that look alike.

    Raises:
        MatlError: The first one, with the option that names it.
    """
    if sheet is not None:
        if sheet.suffix.lower() != ".png":
            raise MatlError(f"--sheet {sheet}: the sheet is a PNG file; end its name in .png")
        _refuse(f"--sheet {sheet}", sheet, is_contact_sheet, "contact sheet")
    if duplicates is not None:
        option = f"--duplicates {duplicates}"
        _refuse(option, duplicates, _is_list, "list of pairs")
        if sheet is not None and sheet.resolve() == duplicates.resolve():
            raise MatlError(f"{option}: is the contact sheet's file, too; name a CSV file")


def _refuse(option: str, file: Path, is_ours: Callable[[Path], bool], what: str) -> None:
    if file.is_dir():
        raise MatlError(f"{option}: is a folder; name a file in it")
    if not file.parent.is_dir():
        raise MatlError(f"{option}: there is no folder {file.parent}; make it, or name another one")
    if file.exists() and not (file.is_file() and is_ours(file)):
        raise MatlError(f"{option}: exists, and is no {what} that matl wrote; name another file")


def _is_list(file: Path) -> bool:
    """Whether a file has the columns of the pairs, and none that somebody added."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            names = next(csv.reader([stream.readline(_LONGEST_HEADER)]), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return tuple(names) == LIST_COLUMNS
