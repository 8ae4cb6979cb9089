"""CSV files that a spreadsheet opens: no cell of them is run as a formula, and all are read back.

A text that begins as a formula does is written with an apostrophe before it, which is how a
spreadsheet marks text.
"""

import csv
import re
from io import BytesIO
from typing import Any

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_MARKED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


def csv_bytes(table: pd.DataFrame, **form: Any) -> bytes:
    """A table as CSV, its texts marked where a spreadsheet would run them.

    Args:
        table: Of texts and numbers; its index is left out.
        form: Further arguments of pandas, such as `float_format`.
    """
    marked = table.apply(lambda column: column.map(_mark) if _holds_text(column) else column)
    marked.columns = [_mark(name) for name in table.columns]
    content = marked.to_csv(index=False, lineterminator="\n", **form)
    if "\r" in content:  # before Python 3.13 the end of a line alone is put in quotes
        content = marked.to_csv(
            index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC, **form
        )
    return content.encode()


def read_csv(content: bytes, **kinds: Any) -> pd.DataFrame:
    """The table of `csv_bytes`, or one whose texts were never marked.

    Args:
        content: Of the file.
        kinds: Further arguments of pandas, such as `dtype`. No text means a missing value.

    Raises:
        ValueError: It is no such table.
    """
    table = pd.read_csv(BytesIO(content), keep_default_na=False, **kinds)
    table = table.apply(lambda column: column.map(_unmark) if _holds_text(column) else column)
    table.columns = [_unmark(name) for name in table.columns]
    return table


def _holds_text(column: pd.Series) -> bool:
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _mark(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _unmark(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and _MARKED.match(value) else value
