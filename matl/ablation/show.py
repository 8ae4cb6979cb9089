"""What an ablation shows while it runs, and before."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from matl.ablation.cells import Cell
from matl.ablation.findings import match_warnings
from matl.ablation.train import Progress, Work, distinct_stages
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.store import Store
from matl.report.words import duration


@contextmanager
def progress_shown(console: Console, live: bool) -> Iterator[Callable[[Table], None]]:
    """Shows tables: one in the place of the other on a screen, else one below the other."""
    if not (live and console.is_terminal):
        yield console.print
        return
    with Live(console=console, auto_refresh=False) as board:
        yield lambda table: board.update(table, refresh=True)


def progress_table(
    work: Mapping[str, Work], store: Store, progress: Progress, jobs: int = 1
) -> Table:
    """How many distinct stages of each name are where, and the time that is left."""
    columns = ("Stage", "Done", "Reused", "Running", "Failed", "Waiting", "Time left")
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for name, own in _by_name(work).items():
        reused = len(progress.reused & own.keys())
        running = len(progress.running & own.keys())
        failed = len(progress.failures.keys() & own.keys())
        done = sum(key in store for key in own) - reused
        waiting = len(own) - done - reused - running - failed
        counts = map(str, (done, reused, running, failed, waiting))
        missing = {key: one for key, one in own.items() if key not in progress.failures}
        table.add_row(name, *counts, time_left(missing, store, jobs))
    return table


def dry_run_table(plans: Mapping[Cell, Plan], store: Store, jobs: int = 1) -> Table:
    """What would be trained: one row per stage name, with the time that finished ones took."""
    work = distinct_stages(plans)
    table = Table("Stage", "Distinct", "In the store", "Cells that need it", "Time left")
    for name, own in _by_name(work).items():
        needed = sum(any(stage.name == name for stage in plan.chain) for plan in plans.values())
        done = sum(key in store for key in own)
        table.add_row(name, str(len(own)), str(done), str(needed), time_left(own, store, jobs))
    stages = sum(len(plan.chain) for plan in plans.values())
    table.caption = (
        f"{len(plans)} cells of {stages} stages; {len(work)} distinct ones are trained, so sharing"
        f" saves {stages - len(work)}. Time left: {time_left(work, store, jobs)}"
    )
    table.caption += "".join(f"\n{escape(line)}" for line in match_warnings(plans))
    return table


def _by_name(work: Mapping[str, Work]) -> dict[str, dict[str, Work]]:
    names = dict.fromkeys(one.stage.name for one in work.values())
    return {
        name: {key: one for key, one in work.items() if one.stage.name == name} for name in names
    }


def time_left(work: Mapping[str, Work], store: Store, jobs: int = 1) -> str:
    """What the missing stages will take, by the finished ones of the same task and size.

    Args:
        work: Stages by fingerprint.
        store: What is finished.
        jobs: How many are trained side by side; that finished ones were as fast is assumed.
    """
    missing = [one.stage for key, one in work.items() if key not in store]
    if not missing:
        return "nothing"
    paces = _paces(store)
    known = [stage for stage in missing if _kind(stage.identity) in paces]
    if not known:
        return "unknown time"
    seconds = sum(paces[_kind(stage.identity)] * _passes(stage) for stage in known)
    seconds /= min(jobs, len(missing))
    more = len(missing) - len(known)
    return f"about {duration(seconds)}" + (f" and {more} stages of unknown time" if more else "")


def _paces(store: Store) -> dict[Any, float]:
    """Seconds an image and epoch of each kind of finished stages."""
    seen: dict[Any, list[float]] = {}
    for manifest in store.whole_manifests():
        images = manifest.counts["train"] * manifest.epochs
        seen.setdefault(_kind(manifest.identity), []).append(manifest.seconds / images)
    return {kind: statistics.median(paces) for kind, paces in seen.items()}


def _kind(identity: Mapping[str, Any]) -> tuple[str, str, str]:
    stage = identity["stage"]
    return stage["task"], str(stage["size"]), identity["backbone"]["name"]


def _passes(stage: PlannedStage) -> int:
    return len(stage.training) * stage.config.epochs
