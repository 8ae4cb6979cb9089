"""What the data sets share: finding image files, and building a table of them."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import COLUMNS

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
HIDDEN = (".", "__MACOSX")


def require_folder(folder: Path, fix: str) -> None:
    """Raise a `DataError` that names `folder` and says how to `fix` it, unless it exists."""
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: {fix}, or set `root` or `data_root` to where it is")


def is_image(name: str) -> bool:
    """Whether a file name is that of an image; hidden files are none."""
    return name[name.rfind(".") :].lower() in IMAGE_SUFFIXES and name[0] != "."


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in `folder`, sorted, hidden ones and macOS leftovers left out."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir()]
    return sorted(name for name in names if not name.startswith(HIDDEN))


def image_paths(root: Path, within: str = "") -> list[str]:
    """All images below `root/within`, at any depth; links to folders are followed.

    Returns:
        Posix paths relative to `root`, sorted; none where `root/within` does not exist.

    Raises:
        DataError: Where a folder cannot be listed.
    """
    found: list[str] = []
    folders = [within] if (root / within).is_dir() else []
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                _sort_entries(entries, f"{folder}/" if folder else "", folders, found)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{root / folder}: cannot be listed ({reason}); remove it") from error
    return sorted(found)


def _sort_entries(
    entries: Iterable["os.DirEntry[str]"], start: str, folders: list[str], images: list[str]
) -> None:
    """Append each entry that counts to the folders or to the images."""
    for entry in entries:
        if entry.is_dir():
            if not entry.name.startswith(HIDDEN):
                folders.append(start + entry.name)
        elif is_image(entry.name):
            images.append(start + entry.name)


def missing_files(root: Path, paths: Sequence[str]) -> list[str]:
    """Those of the paths below `root` (normalised, posix) that are no files, in their order."""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        by_folder.setdefault(path.rpartition("/")[0], []).append(path)
    missing = set()
    for folder, members in by_folder.items():
        present = _files_in(root / folder)
        missing |= {path for path in members if path.rpartition("/")[2] not in present}
    missing = {path for path in missing if not (root / path).is_file()}
    return [path for path in paths if path in missing] if missing else []


def make_table(
    path: Sequence[str],
    source: str,
    label: Sequence[str] | str = "",
    patient: Sequence[str] | None = None,
    split: Sequence[str] | str = "train",
    study: Sequence[str] | str = "",
) -> pd.DataFrame:
    """The table of `Samples`; without `patient` each image is its own group."""
    columns = {
        "path": list(path),
        "label": label,
        "patient": list(path) if patient is None else patient,
        "split": split,
        "study": study,
        "source": source,
    }
    return pd.DataFrame(columns, columns=list(COLUMNS), dtype="str")


def _files_in(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except OSError:
        return set()
