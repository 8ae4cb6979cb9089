"""Tables of any subject: what they hold, apart from how they are shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matl.evaluation.metrics import Estimate


@dataclass(frozen=True)
class TableCell:
    """One cell.

    Attributes:
        text: What is shown.
        order: What it is sorted by; None stands last.
        note: What stands small beside it, such as an interval.
    """

    text: str
    order: float | str | None
    note: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.note}".rstrip()


Value = TableCell | Estimate | str | int | float | None
Row = Sequence[Value]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: What stands above it.
        priority: Where columns do not fit, the least one goes first, of equal ones the last; the
            first column of a table always stays.
        numeric: Whether it is sorted as numbers, which are never cut.
    """

    title: str
    priority: int = 0
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row.

    Attributes:
        title: What it is of, in a few words.
        columns: From left to right.
        rows: A cell for each column.
        caption: What a reader must know of the numbers.
        first: How many of the first rows stand out.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[TableCell]]
    caption: str = ""
    first: int = 0


def make_table(
    title: str,
    caption: str,
    columns: Sequence[str | Column],
    rows: Iterable[Row],
    first: int = 0,
) -> Table:
    """A table of values; a column without text is numeric.

    Args:
        title: What it is of, in a few words.
        caption: What a reader must know of the numbers.
        columns: Their titles, or columns where one has a priority.
        rows: A value for each column; None is an empty cell.
        first: How many of the first rows stand out.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    made = []
    for at, one in enumerate(columns):
        title_of, priority = (one, 0) if isinstance(one, str) else (one.title, one.priority)
        numeric = all(not isinstance(row[at].order, str) for row in cells)
        made.append(Column(title_of, priority, numeric))
    return Table(title, made, cells, caption, first)


def number(value: float | None, form: str, unit: str = "") -> TableCell | None:
    """A number in a format of its own; None is an empty cell."""
    return None if value is None else TableCell(f"{value:{form}}{unit}", value)


def _cell(value: Value) -> TableCell:
    if isinstance(value, TableCell):
        return value
    if isinstance(value, Estimate):
        text, _, interval = str(value).partition(" ")
        return TableCell(text, value.value, interval)
    if value is None:
        return TableCell("", None)
    if isinstance(value, str):
        return TableCell(value, value.casefold())
    return TableCell(f"{value:,}" if isinstance(value, int) else f"{value:.3f}", float(value))
