"""Tables that a reader can sort."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matl.evaluation.metrics import Estimate


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What is shown.
        order: What it is sorted by; None stands last.
        note: What stands small below it, such as an interval.
    """

    text: str
    order: float | str | None
    note: str = ""


Row = Sequence[Cell | Estimate | str | int | float | None]


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row.

    Attributes:
        title: What it is of, in a few words.
        caption: What a reader must know of the numbers.
        header: A title for each column.
        rows: A cell for each column.
        numeric: For each column whether it is sorted as numbers.
        first: How many of the first rows stand out.
    """

    title: str
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: Sequence[bool]
    first: int = 0


def make_table(
    title: str,
    caption: str,
    header: Sequence[str],
    rows: Iterable[Row],
    first: int = 0,
) -> Table:
    """A table of values; a column without text is sorted as numbers.

    Args:
        title, caption, header, first: As in `Table`.
        rows: A value for each column; None is an empty cell.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    numeric = [
        all(not isinstance(row[at].order, str) for row in cells) for at in range(len(header))
    ]
    return Table(title, caption, header, cells, numeric, first)


def _cell(value: Cell | Estimate | str | int | float | None) -> Cell:
    if isinstance(value, Cell):
        return value
    if isinstance(value, Estimate):
        number, _, interval = str(value).partition(" ")
        return Cell(number, value.value, interval)
    if value is None:
        return Cell("", None)
    if isinstance(value, str):
        return Cell(value, value.casefold())
    return Cell(f"{value:,}" if isinstance(value, int) else f"{value:.3f}", float(value))
