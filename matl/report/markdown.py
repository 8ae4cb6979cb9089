"""Text and tables as Markdown."""

import re

from matl.report.table import Table, TableCell

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&$#]|(?<![^\W_])_|_(?![^\W_])")
_SPECIAL_IN_NUMBERS = re.compile(r"[\\`*<>|~&$#]")


def escape(text: str) -> str:
    """Text that Markdown prints as it is, on one line, also in a table's cell."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def fenced(text: str, language: str) -> str:
    """A block of code in Markdown, whatever the text holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def markdown_table(table: Table) -> str:
    """A table as Markdown, without its title and caption."""
    numeric = [column.numeric for column in table.columns]
    lines = [
        [escape(column.title) for column in table.columns],
        ["---"] * len(numeric),
        *([_cell(*pair) for pair in zip(row, numeric, strict=True)] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(cell: TableCell, numeric: bool) -> str:
    if numeric:
        return _SPECIAL_IN_NUMBERS.sub(r"\\\g<0>", str(cell))
    return escape(str(cell))
