"""What `matl explain` prints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.text import Text

from matl.checksums import read_file
from matl.explain.attribution import LungShare
from matl.explain.cka import Alignment
from matl.explain.pointing import Pointing
from matl.explain.texts import (
    ALIGNMENT_CAPTION,
    alignment_table,
    pointing_table,
    share_caption,
    share_table,
)
from matl.files import read_json
from matl.names import EXPLANATION_REPORT, FINDINGS
from matl.report.table import Table
from matl.report.terminal_table import TerminalTable
from matl.typed_json import typed

Found = TypeVar("Found")


def show_explanation(folder: Path, console: Console) -> None:
    """Prints the tables of an explanation, and where it is.

    Args:
        folder: Of the explanation; see `matl.explain.write.write_explanation`.
        console: Where it is shown.
    """
    found = read_json(read_file(folder, FINDINGS))
    for table in explanation_tables(found):
        console.print(TerminalTable(table))
        console.print()
    for note in found["notes"]:
        console.print(Text(note))
    where = Text(f"Figures, captions and numbers: {folder / EXPLANATION_REPORT}")
    console.print(where, soft_wrap=True)


def explanation_tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of what `explain.json` holds; each comes with its caption."""
    for model, shares in _by_model(LungShare, found["attribution"]).items():
        title = f"Attribution inside the lungs, {model}, {found['split']} split"
        caption = share_caption(found["without_lung_field"])
        yield replace(share_table(shares), title=title, caption=caption)
    if "pointing" in found:
        hits = _by_model(Pointing, found["pointing"]["results"])
        yield pointing_table(hits)
    if "cka" in found:
        rows = [typed(Alignment, row) for row in found["cka"]["results"]]
        yield replace(alignment_table(rows), caption=ALIGNMENT_CAPTION.replace("*", ""))


def _by_model(kind: type[Found], rows: Sequence[dict[str, Any]]) -> dict[str, list[Found]]:
    models: dict[str, list[Found]] = {}
    for row in rows:
        values = {name: value for name, value in row.items() if name != "model"}
        models.setdefault(row["model"], []).append(typed(kind, values))
    return models
