"""Tables in a terminal: as many columns as its width holds, each of them whole."""

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from matl.report.table import Table

GAP = 2
"""Blanks between two columns."""
FOLDED = 16
"""To how many places a column of text may be folded; a fingerprint stays whole."""


class TerminalTable:
    """A table that rich prints; columns that do not fit are named in its caption.

    No number is cut: a numeric column is as wide as its longest cell, or it is not shown. Text is
    folded. The first column is always shown.

    Attributes:
        table: What is shown.
    """

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table, room = self.table, options.max_width
        kept = kept_columns(table, room)
        shown = RichTable(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
        )
        for at, width in zip(kept, _widths(table, kept, room), strict=True):
            column = table.columns[at]
            right = column.numeric and not any(row[at].note for row in table.rows)
            title = Text(column.title, "bold")
            shown.add_column(
                title, width=width, overflow="fold", justify="right" if right else "left"
            )
        for place, row in enumerate(table.rows):
            style = "bold" if place < table.first else ""
            shown.add_row(*(Text(str(row[at])) for at in kept), style=style)
        dropped = [one.title for at, one in enumerate(table.columns) if at not in kept]
        said = [f"Not shown at this width: {', '.join(dropped)}."] if dropped else []
        yield Text(table.title, "bold")
        yield shown
        if caption := " ".join([table.caption, *said]).strip():
            yield Text(caption, "dim")


def kept_columns(table: Table, width: int) -> list[int]:
    """The places of the columns that fit.

    Args:
        table: What is shown.
        width: Of the terminal, in places.
    """
    least = [_least(table, at) for at in range(len(table.columns))]
    kept = list(range(len(least)))
    while len(kept) > 1 and sum(least[at] + GAP for at in kept) - GAP > width:
        kept.remove(min(kept[1:], key=lambda at: (table.columns[at].priority, -at)))
    return kept


def _widths(table: Table, kept: Sequence[int], room: int) -> list[int]:
    """What each column gets: its least, and of what is left as much as its text is long."""
    widths = [_least(table, at) for at in kept]
    left = room - sum(widths) - GAP * (len(kept) - 1)
    for place, at in enumerate(kept):
        more = max(0, min(left, _longest(table, at) - widths[place]))
        widths[place] += more
        left -= more
    return [min(width, room) for width in widths]


def _least(table: Table, at: int) -> int:
    """The least width at which a column keeps its numbers whole."""
    column = table.columns[at]
    titles = max(map(cell_len, column.title.split()), default=0)
    if column.numeric:
        return max(_longest(table, at, with_title=False), titles)
    return max(min(_longest(table, at), FOLDED), min(titles, FOLDED))


def _longest(table: Table, at: int, with_title: bool = True) -> int:
    texts = [str(row[at]) for row in table.rows]
    texts += [table.columns[at].title] if with_title else []
    return max(map(cell_len, texts), default=0)
