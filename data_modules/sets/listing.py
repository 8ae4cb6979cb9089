"""What the data sets share: finding image files, and building a table of them."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from data_modules.counted import counted
from data_modules.errors import DataError
from data_modules.formats.dicom import is_dicom
from data_modules.formats.images import DICOM_SUFFIXES
from data_modules.formats.pictures import SUFFIXES
from data_modules.formats.places import file_of
from data_modules.formats.volumes import READERS, suffix_of
from data_modules.persons import SALT
from data_modules.samples import COLUMNS
from data_modules.spelling import form

OTHER_IMAGES = frozenset(
    ".avif .czi .dcm .dicom .gz .heic .heif .ima .img .j2k .jp2 .jpf .jxl .mha .mhd "  # noqa: SIM905
    ".mrxs .ndpi .nhdr .nii .nii.gz .npy .npz .nrrd .pbm .pcx .svs .tga .zip".split()
)
"""Files that may hold images, which are not read here: some of them in other data sets."""
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", SALT})
MOST_KINDS = 8
NUMBERED = re.compile(r"(.*\d.*)[-_ ]\D{0,8}\d+\.\w+$")
"""A name that holds a number, before a last number of its own."""
LEAST_SERIES = 3
DIRECTORY = "DICOMDIR"
"""The name of an index of DICOM files."""


@dataclass
class Listing:
    """The files below a folder.

    Attributes:
        scans: Whether DICOM files and volumes count as images.
        images: Posix paths of the images, sorted within each folder that was asked for.
        others: How many files are passed over, by their extension in lower case, or "hidden".
        empty: Folders that hold neither an image nor a folder.
    """

    scans: bool = False
    images: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    empty: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """What is passed over, in words; nothing where there is none."""
        notes = []
        if self.others:
            kinds = [f"{count} {kind}" for kind, count in self.others.most_common(MOST_KINDS)]
            more = len(self.others) - MOST_KINDS
            listed = ", ".join(kinds) + (f" and {more} more kinds" if more > 0 else "")
            warning = "WARNING: " if OTHER_IMAGES & set(self.others) else ""
            files = counted(
                self.others.total(),
                "file that is no image here is",
                "files that are no images here are",
            )
            notes.append(f"{warning}{files} passed over: {listed}")
        if self.empty:
            folders = counted(len(self.empty), "folder holds", "folders hold")
            notes.append(f"WARNING: {folders} no image, such as {self.empty[0]}")
        return notes


def require_folder(folder: Path, fix: str) -> None:
    """Raise a `DataError` that names `folder` and says how to `fix` it, unless it exists."""
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: {fix}, or set `root` or `data_root` to where it is")


def is_image(name: str) -> bool:
    """Whether a file name is that of a picture; hidden files are none."""
    return suffix_of(name) in SUFFIXES and not _is_hidden(name)


def is_scan(path: str) -> bool:
    """Whether a file is a volume or DICOM: by its type, or else by its first bytes."""
    kind = suffix_of(path)
    if kind in READERS or kind in DICOM_SUFFIXES:
        return True
    unnamed = not kind or kind[1:].isdecimal()  # DICOM files are often named by their UID
    return unnamed and os.path.basename(path) != DIRECTORY and is_dicom(path)


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in `folder`, sorted, hidden ones and macOS leftovers left out.

    Raises:
        DataError: Where the folder cannot be listed.
    """
    names = [entry.name for entry in _entries(folder) if entry.is_dir()]
    return sorted(name for name in names if not _is_hidden(name))


def find_images(root: Path, *within: str, scans: bool = False) -> Listing:
    """All images below folders of `root`, at any depth; links to folders are followed.

    Args:
        root: The folder that paths start from.
        within: Folders below it; none stands for `root` itself, one that does not exist for no
            image.
        scans: Whether DICOM files, of whatever name, and volumes count as images, too.

    Returns:
        What is there, with paths relative to `root`.

    Raises:
        DataError: Where a folder cannot be listed or links to one that holds it, a file's name is
            not UTF-8, or a file with an image's name is no regular file.
    """
    found = Listing(scans=scans)
    for start in within or ("",):
        if (root / start).is_dir():
            _walk(root, start, found)
    return found


def _walk(root: Path, start: str, found: Listing) -> None:
    images: list[str] = []
    waiting: list[tuple[str, tuple[tuple[int, int], ...]]] = [(start, ())]
    while waiting:
        name, above = waiting.pop()
        try:
            place = _place(root / name, above)
            folders, own = _sort_entries(root / name, f"{name}/" if name else "", found)
        except OSError as error:
            raise _unlisted(Path(error.filename or root / name), error) from error
        waiting += [(folder, place) for folder in folders]
        images += own
        if not folders and not own:
            found.empty.append(name or ".")
    found.images += sorted(images)


def _place(folder: Path, above: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """The device and inode of a folder after those of the folders that lead to it."""
    stat = os.stat(folder)
    if (stat.st_dev, stat.st_ino) in above:
        raise DataError(f"{folder}: links to a folder that holds it; remove the link")
    return (*above, (stat.st_dev, stat.st_ino))


def _sort_entries(folder: Path, start: str, found: Listing) -> tuple[list[str], list[str]]:
    """The folders and the images in a folder, below `start`; what is neither is counted."""
    folders, images = [], []
    for entry in _entries(folder):
        _check_name(folder, entry.name)
        if entry.name in LITTER or entry.name.startswith("._"):
            continue
        if _is_hidden(entry.name):
            found.others["hidden"] += 1
        elif entry.is_dir():
            folders.append(start + entry.name)
        elif not is_image(entry.name) and not (found.scans and is_scan(entry.path)):
            found.others[suffix_of(entry.name) or "without extension"] += 1
        elif entry.is_file() or _is_broken(entry):
            images.append(start + entry.name)
        else:
            raise DataError(
                f"{folder / entry.name}: is no regular file (a pipe or a device); remove it"
            )
    return folders, images


def _is_broken(entry: "os.DirEntry[str]") -> bool:
    """Whether a link's file is missing, which is said with all other missing files."""
    return entry.is_symlink() and not os.path.exists(entry.path)


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise _unlisted(folder, error) from error


def _unlisted(folder: Path, error: OSError) -> DataError:
    reason = error.strerror or error
    return DataError(f"{folder}: cannot be listed ({reason}); make it readable, or remove it")


def _check_name(folder: Path, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{folder}: the name {name!a} is not UTF-8; rename it") from error


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in LITTER


def numbered_names(paths: Iterable[str]) -> list[str]:
    """A warning where files seem to be named by a patient and a number; else nothing."""
    named: dict[str, list[str]] = {}
    for path in paths:
        if found := NUMBERED.match(path.rpartition("/")[2]):
            named.setdefault(found[1], []).append(path)
    series = [group for group in named.values() if len(group) > 1]
    if len(series) < LEAST_SERIES or 2 * len(series) < len(named):
        return []
    one, other = sorted(series[0])[:2]
    return [
        f"WARNING: names such as {one} and {other} look like two images of one patient, and there "
        f"are {len(series)} such series; each image still counts as a patient of its own: name the "
        "patients"
    ]


def other_folders(folder: Path, known: Sequence[str]) -> list[str]:
    """A note that names the folders in `folder` beside the known ones; none where all are known.

    Raises:
        DataError: One has a known name in another spelling, as `Normal` for `NORMAL`.
    """
    others = [name for name in folders_in(folder) if name not in known]
    meant = {form(name): name for name in known}
    for name in others:
        if form(name) in meant:
            raise DataError(f"{folder / name}: rename it to '{meant[form(name)]}'")
    return [f"folders in {folder.name} that are passed over: {', '.join(others)}"] if others else []


def missing_files(root: Path, paths: Sequence[str], folders: bool = False) -> list[str]:
    """Those of the paths below `root` (normalised, posix) that are no files, in their order.

    Args:
        root: The folder that they start from.
        paths: Files, and slices of files.
        folders: Whether they may be folders, too.
    """
    by_folder: dict[str, list[str]] = {}
    file_at = {path: file_of(path) for path in paths}
    for path in file_at.values():
        by_folder.setdefault(path.rpartition("/")[0], []).append(path)
    missing = set()
    for folder, members in by_folder.items():
        present = _files_in(root / folder)
        missing |= {path for path in members if path.rpartition("/")[2] not in present}
    missing = {path for path in missing if not (root / path).is_file()}
    if folders:
        missing = {path for path in missing if not (root / path).is_dir()}
    return [path for path in paths if file_at[path] in missing] if missing else []


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
