"""`make bench`: measures the ratios that the project holds itself to, and writes them down."""

import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.processes import two_over_one
from benchmarks.reading import cached_reading
from benchmarks.stack import TASKS, whole_stack
from matl.orchestrator.commit import machine, versions

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Runs every benchmark on phantom images in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        reading = cached_reading(Path(folder))
        stacks = {task: whole_stack(task, Path(folder)) for task in TASKS}
        groups = {task: two_over_one(task, Path(folder)) for task in TASKS}
    record = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        "versions": versions(),
        "cached_reading": reading,
        "whole_stack": stacks,
        "two_processes": groups,
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{record['date']}-{_word(record['machine'])}.json"
    file.write_text(json.dumps(record, indent=2) + "\n")
    _show(record, file)


def _word(described: dict[str, Any]) -> str:
    """The machine in one word of a file's name, as in "amd-epyc-2-cores"."""
    words = f"{described['device']} {described['cores']} cores"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _show(record: dict[str, Any], file: Path) -> None:
    reading, stacks, groups = (
        record[name] for name in ("cached_reading", "whole_stack", "two_processes")
    )
    table = Table("Ratio", "Measured", "Goal", title="Speed, as ratios in one run")
    table.add_row("cached reading / ImageFolder, 2 workers", f"{reading['ratio']:.1f}", "10")
    for task, stack in stacks.items():
        table.add_row(f"{task}: whole stack / bare loop", f"{stack['ratio']:.3f}", "0.95")
    for task, group in groups.items():
        row = f"{task}: two processes / one, on the same cores"
        table.add_row(row, f"{group['ratio']:.3f}", "")
    for task, stack in stacks.items():
        table.add_row(f"{task}: seconds to the first batch", f"{stack['first_batch_s']:.2f}", "")
    console = Console()
    console.print(table)
    console.print(f"Written to {file.relative_to(RESULTS.parents[1])}.")


if __name__ == "__main__":
    main()
