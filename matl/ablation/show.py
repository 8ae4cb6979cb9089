"""What an ablation shows before it runs, and at its end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.text import Text

from matl.ablation.ablation_files import read_ablation
from matl.ablation.ablation_record import AblationRecord
from matl.ablation.cells import Cell, cells_of, plan_cells
from matl.ablation.gather import match_warnings
from matl.ablation.schema import Ablation
from matl.ablation.tables import comparison_table, mean_table, method_table, tested_table
from matl.ablation.time_left import time_left
from matl.ablation.train import Work, distinct_stages
from matl.names import LOGS, PAGE
from matl.orchestrator.plan import Plan
from matl.orchestrator.show import show_line, show_next, show_table
from matl.orchestrator.store import Store
from matl.report.table import Column, Row, Table, make_table


def show_ablation(folder: Path, file: Path, console: Console) -> None:
    """Prints what an ablation ends with: tables, the verdict, where everything is, what is next.

    Args:
        folder: Of its results.
        file: The ablation's.
        console: Where it is shown.
    """
    record = read_ablation(folder)
    for note in record.notes:
        console.print(Text(note))
    tables = (tested_table(record), mean_table(record), comparison_table(record))
    for table in (*tables, method_table(record.methods)):
        if table is not None:
            show_table(table, console)
    console.print(Text(verdict_sentence(record)))
    show_line(f"Report: {folder / PAGE}", console)
    show_line(f"What each stage printed: {folder / LOGS}", console)
    typed = [f"matl report {quote(str(folder))}", f"matl ablate {quote(str(file))} --dry-run"]
    runs = [command for command in record.runs.values() if "…" not in command]
    show_next([*typed, *runs[:1]], console)


def verdict_sentence(record: AblationRecord) -> str:
    """What the primary comparison found, and what it allows to say."""
    one = record.primary
    if one is None or record.verdict is None:
        why = "was changed after it began" if record.changed else "has no finished seed yet"
        return f"There is no verdict: the primary comparison {why}."
    return (
        f"{one.what}, {one.place}: {record.metric_name} {one.plain.text()}, {one.plain.seeds} of "
        f"{len(record.seeds)} seeds; against the margin of {record.margin:g}: "
        f"{record.verdict}."
    )


def show_dry_run(
    ablation: Ablation, overrides: Sequence[str], console: Console, jobs: int = 1
) -> None:
    """Prints what would be trained, and what breaks the match of the arms.

    Args:
        ablation: What is compared.
        overrides: The user's settings for every cell.
        console: Where it is shown.
        jobs: How many stages would be trained side by side.
    """
    plans = plan_cells(ablation, cells_of(ablation), overrides)
    store = Store(next(iter(plans.values())).experiment.store)
    show_table(dry_run_table(plans, store, jobs), console)
    for line in match_warnings(plans):
        console.print(Text(line))


def dry_run_table(plans: Mapping[Cell, Plan], store: Store, jobs: int = 1) -> Table:
    """What would be trained: one row per stage name, with the time where finished ones show it."""
    work = distinct_stages(plans)
    rows: list[Row] = []
    for name, own in _by_name(work).items():
        needed = sum(any(stage.name == name for stage in plan.chain) for plan in plans.values())
        done = sum(key in store for key in own)
        rows.append((name, len(own), done, needed, time_left(own, store, jobs)))
    stages = sum(len(plan.chain) for plan in plans.values())
    caption = (
        f"{len(plans)} cells of {stages} stages; {len(work)} distinct ones are trained, so sharing"
        f" saves {stages - len(work)}. Time left: {time_left(work, store, jobs)}"
    )
    columns = (
        *("Stage", Column("Distinct", 3), Column("In the store", 2), "Cells that need it"),
        Column("Time left", 4),
    )
    return make_table("What the ablation trains", caption, columns, rows)


def _by_name(work: Mapping[str, Work]) -> dict[str, dict[str, Work]]:
    names = dict.fromkeys(one.stage.name for one in work.values())
    return {
        name: {key: one for key, one in work.items() if one.stage.name == name} for name in names
    }
