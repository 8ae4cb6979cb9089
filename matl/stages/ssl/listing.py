"""The methods of `lung_ssl`, as a list."""

import inspect
from typing import NamedTuple

from rich import box
from rich.table import Table

from matl.plugins import load_class
from matl.stages.ssl.task import METHODS, LungSSL


class MethodFacts(NamedTuple):
    """What is known of a method before it trains.

    Attributes:
        learns: What it learns, in a sentence.
        paper: Where it comes from.
        passes: Forward passes a scan and step, through the trained network and through a teacher.
        assumes: What it takes for granted of scans or of the training.
    """

    learns: str
    paper: str
    passes: tuple[int, int]
    assumes: str


def list_methods() -> dict[str, MethodFacts]:
    """The built-in methods of `lung_ssl`, by name."""
    found = {}
    for name in METHODS:
        method: type[LungSSL] = load_class(name, METHODS, LungSSL, "method")
        learns = (inspect.getdoc(method) or "").split("\n")[0]
        found[name] = MethodFacts(learns, method.paper, method.passes, method.assumes)
    return found


def methods_table() -> Table:
    """One row per method."""
    table = Table("Method", "Passes", "Learns", "Assumes", "Paper", box=box.SIMPLE_HEAD)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for name, facts in list_methods().items():
        trained, teacher = facts.passes
        passes = f"{trained} + {teacher}" if teacher else str(trained)
        paper = facts.paper.removeprefix("https://").replace("arxiv.org/abs/", "arXiv ")
        table.add_row(name, passes, facts.learns, facts.assumes, paper)
    table.caption = "Passes: through the trained network + through a teacher, a scan and step"
    return table
