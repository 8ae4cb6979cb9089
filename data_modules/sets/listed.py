"""Sets whose own lists say which images there are."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError, first_line
from data_modules.sets.listing import missing_files


def refuse_missing(root: Path, paths: Sequence[str], lists: str, how: str) -> None:
    """Raise a `DataError` that names the first image that is listed and not there.

    Args:
        root: The data set's folder.
        paths: The images that its lists name, relative to it.
        lists: What the lists are called.
        how: Where the images come from.
    """
    absent = missing_files(root, paths)
    if absent:
        raise DataError(
            f"{root}: {len(absent)} of {len(paths)} images that {lists} names are missing, for "
            f"example {absent[0]}: {how} (matl data check lists them)"
        )


def read_list(path: Path, how: str) -> list[str]:
    """The lines of a text file that hold anything, without the spaces around them.

    Raises:
        DataError: The file is missing, or cannot be read.
    """
    if not path.is_file():
        raise DataError(f"no file {path}: {how}")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} ({first_line(error)}): {how}") from error
    return [line.strip() for line in lines if line.strip()]


def read_columns(path: Path, columns: Sequence[str], how: str) -> pd.DataFrame:
    """Columns of a CSV table as text, "" where a cell is empty.

    Raises:
        DataError: The file is missing, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"no file {path}: {how}")
    try:
        table = pd.read_csv(path, usecols=list(columns), dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} ({first_line(error)}): {how}") from error
    return table[list(columns)]
