"""The training of distinct stages: one after another, or several side by side."""

from collections.abc import Iterator, Mapping, MutableMapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console

from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.run import ensure_stage
from matl.orchestrator.store import Store

Failures = MutableMapping[str, str]
AFTER_A_FAILURE = "the stage before it failed"


@dataclass(frozen=True)
class Work:
    """A distinct stage of the ablation and a plan that it belongs to."""

    stage: PlannedStage
    plan: Plan


def in_turn(
    work: Mapping[str, Work], store: Store, console: Console, failures: Failures
) -> Iterator[Work]:
    """Trains each stage after those before it; yields it when it is finished or has failed."""
    for key, one in work.items():
        if one.stage.parent in failures:
            failures[key] = AFTER_A_FAILURE
        elif line := _try(one, store, console):
            failures[key] = line
            console.print(f"[red]{one.stage.name} failed[/]: {line}")
        yield one


def side_by_side(
    work: Mapping[str, Work],
    store: Store,
    console: Console,
    failures: Failures,
    jobs: int,
    logs: Path,
) -> Iterator[Work]:
    """Trains up to `jobs` stages at once, each in a process of its own with a log of its own."""
    logs.mkdir(parents=True, exist_ok=True)
    waiting = dict(work)
    running: dict[Future[str | None], str] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while waiting or running:
            ready = _ready(waiting, store, failures)
            for key in [] if ready or running else list(waiting):
                failures[key] = AFTER_A_FAILURE
                yield waiting.pop(key)
            for key in ready[: jobs - len(running)]:
                log = logs / f"{key}.txt"
                running[pool.submit(_train_apart, waiting.pop(key), store.root, log)] = key
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                key = running.pop(future)
                if line := future.result():
                    failures[key] = line
                    console.print(f"[red]{work[key].stage.name} failed[/]: {line}")
                yield work[key]


def _ready(waiting: Mapping[str, Work], store: Store, failures: Failures) -> list[str]:
    """Stages whose parent is finished."""
    return [
        key
        for key, one in waiting.items()
        if one.stage.parent is None or one.stage.parent in store
        if one.stage.parent not in failures
    ]


def _train_apart(one: Work, store: Path, log: Path) -> str | None:
    with log.open("a") as file:
        return _try(one, Store(store), Console(file=file, width=100))


def _try(one: Work, store: Store, console: Console) -> str | None:
    """Trains a stage; the first line of what went wrong, or None."""
    try:
        ensure_stage(one.plan, one.stage, store, console)
    except Exception as error:  # whatever it is, the other stages go on
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return None
