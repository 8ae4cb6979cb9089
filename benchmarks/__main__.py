"""`make bench`: measures the ratios that the project holds itself to, and writes them down.

`python -m benchmarks commands` runs one section, or several, alone.
"""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
Section = dict[str, Any]


def commands(folder: Path) -> Section:
    """Commands that train nothing, over bare Python."""
    from benchmarks.commands import quick_commands

    return quick_commands(folder)


def cached_reading(folder: Path) -> Section:
    """Reading of cached images, over torchvision's ImageFolder."""
    from benchmarks import reading

    return reading.cached_reading(folder)


def whole_stack(folder: Path) -> Section:
    """Each task through the whole stack, over a bare loop."""
    from benchmarks import stack

    return {task: stack.whole_stack(task, folder) for task in stack.TASKS}


def two_processes(folder: Path) -> Section:
    """Each task in two processes, over one."""
    from benchmarks.processes import two_over_one
    from benchmarks.stack import TASKS

    return {task: two_over_one(task, folder) for task in TASKS}


def peers(folder: Path) -> Section:
    """Self-supervised stages, over lightly's own."""
    from benchmarks import peers

    return peers.peers(folder)


def planted_copies(folder: Path) -> Section:
    """Recall and precision of the audit on planted copies in public sets."""
    from benchmarks import planted_copies

    return planted_copies.planted_copies(folder)


SECTIONS: dict[str, Callable[[Path], Section]] = {
    one.__name__: one
    for one in (commands, cached_reading, whole_stack, two_processes, peers, planted_copies)
}
ALONE = ("peers", "planted_copies")
"""Sections that run only where they are named, as by `make bench-peers`."""


def main(names: list[str]) -> None:
    """Runs sections on phantom images in temporary folders, and adds them to today's results.

    Args:
        names: Of `SECTIONS`; empty for all but those that run `ALONE`.
    """
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise SystemExit(f"{unknown[0]}: is no section; choose from {', '.join(SECTIONS)}")
    sections = {}
    for name in names or [one for one in SECTIONS if one not in ALONE]:
        with tempfile.TemporaryDirectory() as folder:
            sections[name] = SECTIONS[name](Path(folder))
    about = _about()
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{about['date']}-{_word(about['machine'])}.json"
    record = (json.loads(file.read_text()) if file.exists() else {}) | about | sections
    file.write_text(json.dumps(record, indent=2) + "\n")
    _show(sections, file)


def _about() -> dict[str, Any]:
    import torch

    from matl.orchestrator.commit import machine, versions

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(device),
        "versions": versions(),
    }


def _word(described: dict[str, Any]) -> str:
    """The machine in one word of a file's name, as in "amd-epyc-2-cores"."""
    words = f"{described['device']} {described['cores']} cores"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _show(sections: dict[str, Section], file: Path) -> None:
    table = Table("Ratio", "Measured", "Goal", title="Speed, as ratios in one run")
    for row in _rows(sections):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"Written to {file.relative_to(RESULTS.parents[1])}.")


def _rows(sections: dict[str, Section]) -> Iterator[tuple[str, str, str]]:
    from benchmarks.commands import GOALS

    for name, one in sections.get("commands", {}).items():
        cost = f"{one['ratio']:.1f} ({one['seconds']:.2f} s, {one['peak_mb']:.0f} MB)"
        yield f"matl {name} / bare Python", cost, GOALS.get(name, "")
    if reading := sections.get("cached_reading"):
        yield "cached reading / ImageFolder, 2 workers", f"{reading['ratio']:.1f}", "10"
    for task, one in sections.get("whole_stack", {}).items():
        yield f"{task}: whole stack / bare loop", f"{one['ratio']:.3f}", "0.98"
        yield f"{task}: seconds to the first batch", f"{one['first_batch_s']:.2f}", ""
    for method, one in sections.get("peers", {}).items():
        yield f"{method}: step / lightly's modules", f"{one['step_ratio']:.3f}", "0.95"
        stage = f"{one['ratio']:.2f} (bound {one['bound']:.2f})"
        yield f"{method}: stage / lightly's loader and transforms", stage, "1.4"
    for name, one in sections.get("planted_copies", {}).items():
        yield f"{name}: recall of planted copies", f"{one['recall']:.3f}", "0.95"
        yield f"{name}: precision", f"{one['precision']:.3f}", "0.95"
    for task, one in sections.get("two_processes", {}).items():
        yield f"{task}: two processes / one, on the same cores", f"{one['ratio']:.3f}", ""


if __name__ == "__main__":
    main(sys.argv[1:])
