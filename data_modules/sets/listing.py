"""What the data sets share: finding image files, and building a table of them."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import COLUMNS

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def require_folder(folder: Path, mend: str) -> None:
    """Raise a `DataError` that names `folder`, and `mend` as the way out, unless it exists."""
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: {mend}, or set `root` or `data_root` to where it is")


def is_image(name: str) -> bool:
    """Whether a file name is that of an image; hidden files are none."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in `folder`, sorted, hidden ones and macOS leftovers left out."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir()]
    return sorted(name for name in names if not name.startswith((".", "__MACOSX")))


def image_paths(root: Path, within: str = "") -> list[str]:
    """All images below `root/within`, at any depth.

    Returns:
        Posix paths relative to `root`, sorted.
    """
    paths = []
    for folder, inner, names in os.walk(root / within, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith((".", "__MACOSX"))]
        start = os.path.relpath(folder, root)
        paths += [os.path.normpath(os.path.join(start, name)) for name in names if is_image(name)]
    return sorted(Path(path).as_posix() for path in paths)


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
