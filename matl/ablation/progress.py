"""What an ablation shows while it runs: one bar for the whole, one line per stage that ended."""

from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from matl.ablation.cells import Cell
from matl.ablation.time_left import time_left
from matl.ablation.train import Progress, distinct_stages
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store
from matl.report.rows import current_name
from matl.report.words import duration

BAR = 20
"""Places of the bar."""
ALWAYS, WHERE_SEVERAL = ("arm", "regime", "seed"), ("split", "fraction", "repeat", "fold")


class Board:
    """Shows how far an ablation is; where the output is no terminal, the lines without the bar.

    Args:
        plans: The plan of each cell.
        store: What is finished.
        progress: Which stages are where; changed by whoever trains them.
        console: Where it is shown.
        jobs: How many stages are trained side by side.
    """

    def __init__(
        self,
        plans: Mapping[Cell, Plan],
        store: Store,
        progress: Progress,
        console: Console,
        jobs: int = 1,
    ) -> None:
        self.work, self.names = distinct_stages(plans), stage_names(plans)
        self.store, self.progress, self.console, self.jobs = store, progress, console, jobs
        self._ended: set[str] = set()
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False
        )

    def __enter__(self) -> "Board":
        reused = len(self.progress.reused)
        line = f"{len(self.work)} distinct stages, {reused} of them in the store"
        missing = len(self.work) - reused
        self._print(f"{line}; {missing} to train: {self._left()}" if missing else line)
        if self.console.is_terminal and missing:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, key: str) -> None:
        """Shows that the state of a stage has changed.

        Args:
            key: Its fingerprint.
        """
        if key not in self.progress.running and key not in self._ended:
            self._ended.add(key)
            self._print(f"{self._done()} of {len(self.work)}: {self.names[key]}: {self._end(key)}")
        if self._live.is_started:
            self._live.update(Text(self._bar()), refresh=True)

    def _end(self, key: str) -> str:
        if key in self.progress.failures:
            return f"failed: {self.progress.failures[key]}"
        return f"finished in {duration(self.store.manifest(key).seconds)}"

    def _print(self, line: str) -> None:
        self.console.print(Text(line))

    def _done(self) -> int:
        return len(self.progress.reused) + len(self._ended)

    def _left(self) -> str:
        failures = self.progress.failures
        missing = {key: one for key, one in self.work.items() if key not in failures}
        return time_left(missing, self.store, self.jobs)

    def _bar(self) -> str:
        done, whole = self._done(), len(self.work)
        full = BAR * done // whole
        counts = f"{len(self.progress.running)} running, {len(self.progress.failures)} failed"
        bar = "━" * full + "─" * (BAR - full)
        return f"{bar} {done} of {whole} stages, {counts}; left: {self._left()}"


def stage_names(plans: Mapping[Cell, Plan]) -> dict[str, str]:
    """Each distinct stage by fingerprint, with the arms, regimes, seeds and folds that it is of."""
    names: dict[str, str] = {}
    cells: dict[str, list[Cell]] = {}
    for cell, plan in plans.items():
        for stage in plan.chain:
            names[stage.fingerprint] = stage.name
            cells.setdefault(stage.fingerprint, []).append(cell)
    return {key: f"{names[key]}, {_of(own, list(plans))}" for key, own in cells.items()}


def _of(own: Sequence[Cell], whole: Sequence[Cell]) -> str:
    """What tells cells from the others, in words: "arm attention, all regimes, seed 0"."""
    words = []
    for what in (*ALWAYS, *WHERE_SEVERAL):
        values, every = (
            list(dict.fromkeys(_value(one, what) for one in of)) for of in (own, whole)
        )
        if what in ALWAYS or len(every) > 1:
            words.append(_listed(what, values, len(every)))
    return ", ".join(words)


def _value(cell: Cell, what: str) -> str:
    value = getattr(cell, what)
    if what == "fraction":
        return f"{value:.0%}"
    return current_name(value) if what == "regime" else str(value)


def _listed(what: str, values: Sequence[str], of: int) -> str:
    if len(values) == 1:
        return f"{what} {values[0]}"
    return f"all {what}s" if len(values) == of else f"{what}s {' and '.join(values)}"
