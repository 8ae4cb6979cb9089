"""Tables as a terminal shows them."""

import io

from rich.console import Console

from matl.report.table import Table
from matl.report.terminal_table import TerminalTable


def render(table: Table, width: int = 100) -> str:
    """What a terminal of that width shows of a table."""
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(TerminalTable(table))
    return console.file.getvalue()


def words(text: str) -> str:
    """The text without its line breaks and table layout."""
    return " ".join(text.split())
