"""Reading a CSV table strictly: what cannot be read as it is meant is refused with its line."""

import csv
import io
from collections import Counter
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError

DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
MOST_BYTES = 1 << 28
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SAVE = "save it as CSV in UTF-8, with commas"


def read_rows(path: Path) -> pd.DataFrame:
    """Read a table whose first line names the columns; spaces around cells mean nothing.

    Rows without any value, and columns without a name and a value, are left out.

    Args:
        path: A CSV file in UTF-8, with or without a byte order mark.

    Returns:
        The cells as text, "" where a cell is empty; columns in the file's order.

    Raises:
        DataError: Where the file is no such table, a row has more or fewer cells than the header,
            or two columns have one name.
    """
    header, *rows = _rows(path, _text(path)) or [(1, [])]
    names = header[1]
    if not any(names):
        raise DataError(f"{path}: is empty; {SAVE}")
    for line, cells in rows:
        if len(cells) < len(names) or any(cells[len(names) :]):
            raise DataError(
                f"{path}: line {line} has {len(cells)} cells, and the header {len(names)}; quote "
                "a cell that holds a comma"
            )
    kept_cells = [cells[: len(names)] for _, cells in rows]
    table = pd.DataFrame(kept_cells, columns=range(len(names)), dtype="str")
    kept = [place for place, name in enumerate(names) if name or (table[place] != "").any()]
    _check_names(path, [names[place] for place in kept])
    return table[kept].set_axis([names[place] for place in kept], axis=1)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: is larger than {MOST_BYTES >> 20} MB, so it is no table")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if content.startswith(UTF_16):
        raise DataError(f"{path}: is UTF-16; {SAVE}")
    if b"\0" in content:
        raise DataError(f"{path}: holds bytes of value 0, so it is no text; {SAVE}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise DataError(f"{path}: line {line} is not UTF-8 (byte 0x{byte:02x}); {SAVE}") from error


def _rows(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """The number and the cells of each line that has a value."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((line, stripped))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}: line {line}: {error}; close every quotation mark, and double one in a cell"
        ) from error
    return rows


def _check_names(path: Path, names: list[str]) -> None:
    if any(len(name.splitlines()) > 1 for name in names):
        raise DataError(f"{path}: a column's name holds a line break; write it in one line")
    if len(names) == 1:
        for mark, word in DELIMITERS.items():
            if mark in names[0]:
                raise DataError(f"{path}: its columns are separated by {word}; {SAVE}")
    if "" in names:
        place = names.index("") + 1
        raise DataError(f"{path}: column {place} holds values but has no name; name it in line 1")
    lower = Counter(name.lower() for name in names)
    for name in names:
        if lower[name.lower()] > 1:
            raise DataError(f"{path}: two columns are named '{name}'; rename or remove one")
