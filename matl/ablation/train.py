"""The training of distinct stages: one after another, or several at once.

Either way yields a stage's fingerprint whenever its state has changed.
"""

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, Protocol

import submitit

from data_modules.errors import first_line
from matl.ablation.cells import Cell
from matl.errors import MatlError
from matl.names import stage_log
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.run import ensure_stage
from matl.orchestrator.store import Store
from matl.preemption import Preempted, ends_when_preempted
from matl.terminal import output_to, terminal

GONE = "the stage before it is not in the store; type the command again"
POLL_SECONDS = 0.2
DAY_MINUTES = 24 * 60
NO_LIMIT = 10**6


@dataclass(frozen=True)
class Work:
    """A distinct stage of the ablation and a plan that it belongs to."""

    stage: PlannedStage
    plan: Plan


def distinct_stages(plans: Mapping[Cell, Plan]) -> dict[str, Work]:
    """Every stage of every cell once, by fingerprint, parents first."""
    return {stage.fingerprint: Work(stage, plan) for plan in plans.values() for stage in plan.chain}


@dataclass
class Progress:
    """Which stages are where; the store knows what is finished.

    Attributes:
        reused: fingerprints that the store had before.
        running: fingerprints being trained.
        failures: what went wrong, by fingerprint.
    """

    reused: frozenset[str]
    running: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)


class Training(Protocol):
    """A stage being trained elsewhere; a future, or a job of submitit's."""

    def done(self) -> bool:
        """Whether it has ended."""

    def exception(self) -> BaseException | None:
        """What ended it, where it was no mistake."""

    def result(self) -> str | None:
        """The first line of what went wrong; None where nothing did."""


class Place(Protocol):
    """Where several stages are trained at once.

    Attributes:
        room: how many at most.
        keeps_order: whether a stage may be started before the one that it begins from is finished.
    """

    room: int
    keeps_order: bool

    def start(self, key: str, one: Work, after: Training | None) -> Training:
        """Starts the training of a stage, after another one where that is still under way."""


def in_turn(
    work: Mapping[str, Work], store: Store, logs: Path, progress: Progress
) -> Iterator[str]:
    """Trains each stage after those before it, in this process."""
    logs.mkdir(parents=True, exist_ok=True)
    for key, one in work.items():
        if key in progress.reused:
            continue
        if one.stage.parent in progress.failures:
            progress.failures[key] = _after(one, work)
            yield key
            continue
        progress.running.add(key)
        yield key
        if line := _try(one, store, logs / stage_log(key)):
            progress.failures[key] = line
        progress.running.remove(key)
        yield key


def at_once(
    work: Mapping[str, Work], store: Store, progress: Progress, place: Place
) -> Iterator[str]:
    """Trains stages side by side, each as soon as the one before it allows.

    Where the command is to end, so are the processes; they save checkpoints.
    """
    try:
        yield from _side_by_side(work, store, progress, place)
    except BaseException:
        for child in active_children():
            child.terminate()
        raise


def _side_by_side(
    work: Mapping[str, Work], store: Store, progress: Progress, place: Place
) -> Iterator[str]:
    waiting = {key: one for key, one in work.items() if key not in progress.reused}
    running: dict[str, Training] = {}
    while waiting or running:
        for key in [key for key, one in waiting.items() if one.stage.parent in progress.failures]:
            progress.failures[key] = _after(waiting.pop(key), work)
            yield key
        for key in _ready(waiting, running, store, place):
            one = waiting.pop(key)
            running[key] = place.start(key, one, running.get(one.stage.parent or ""))
            progress.running.add(key)
            yield key
        if not running:  # a stage that was finished has been removed meanwhile
            progress.failures |= dict.fromkeys(waiting, GONE)
            yield from waiting
            return
        for key in _ended(running):
            if line := _outcome(running.pop(key)):
                progress.failures[key] = line
            progress.running.remove(key)
            yield key


def _ready(
    waiting: Mapping[str, Work], running: Mapping[str, Training], store: Store, place: Place
) -> list[str]:
    """The stages that may be started and for which there is room."""
    room = place.room - len(running)
    begun = running if place.keeps_order else {}
    may = (key for key, one in waiting.items() if _may_start(one.stage.parent, store, begun))
    return list(islice(may, max(room, 0)))


def _ended(running: Mapping[str, Training]) -> list[str]:
    """The trainings that have ended, of which there is one at least."""
    while not (ended := [key for key, training in running.items() if training.done()]):
        time.sleep(POLL_SECONDS)
    return ended


def _after(one: Work, work: Mapping[str, Work]) -> str:
    parent = work[one.stage.parent or ""].stage
    return f"{parent.name} ({parent.fingerprint[:8]}) before it failed"


def _may_start(parent: str | None, store: Store, begun: Mapping[str, Training]) -> bool:
    return parent is None or parent in store or parent in begun


class Processes:
    """This machine: a process of its own for each stage, with a log of its own."""

    keeps_order = False

    def __init__(self, jobs: int, store: Store, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.room, self.store, self.logs = jobs, store, logs

    def start(self, key: str, one: Work, after: Training | None) -> Training:
        """Start the training in a process of its own."""
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        future: Future[str | None] = pool.submit(
            train_apart, one, self.store.root, self.logs / stage_log(key)
        )
        pool.shutdown(wait=False)
        return future


class Cluster:
    """A cluster that submitit knows: every stage is a job that depends on the one before it.

    Args:
        name: `slurm`, or `local` for jobs on this machine.
        jobs: how many of `local` run at once; Slurm is given all of them.
        settings: submitit's own, such as `{"slurm_partition": "gpu", "timeout_min": 600}`.
        store: on a file system that all nodes see.
        logs: folder of submitit's files and of the stages' logs, on the same file system.

    Raises:
        MatlError: submitit does not know a setting, or the cluster cannot be reached.
    """

    def __init__(
        self, name: str, jobs: int, settings: Mapping[str, Any], store: Store, logs: Path
    ) -> None:
        self.keeps_order = name == "slurm"
        self.room = NO_LIMIT if self.keeps_order else jobs
        self.store, self.logs = store, Path(os.path.abspath(logs))
        try:
            self.executor = submitit.AutoExecutor(self.logs / "submitit", cluster=name)
            self.executor.update_parameters(**{"timeout_min": DAY_MINUTES, **settings})
        except (RuntimeError, ValueError, NameError, TypeError) as error:
            raise MatlError(f"--executor {name}: {first_line(error)}") from error

    def start(self, key: str, one: Work, after: Training | None) -> Training:
        """Submit the training as a job."""
        if self.keeps_order:
            dependency = None
            if isinstance(after, submitit.Job):
                dependency = f"afterany:{after.job_id}"
            self.executor.update_parameters(slurm_dependency=dependency)
        self.executor.update_parameters(name=f"{one.stage.name}-{key[:8]}")
        return self.executor.submit(
            train_apart, one, Path(os.path.abspath(self.store.root)), self.logs / stage_log(key)
        )


@ends_when_preempted()
def train_apart(one: Work, store: Path, log: Path) -> str | None:
    """Trains a stage in a process of its own.

    Returns:
        The first line of what went wrong, or None.
    """
    place = Store(store)
    if one.stage.parent is not None and one.stage.parent not in place:
        return GONE
    return _try(one, place, log)


def _try(one: Work, store: Store, log: Path) -> str | None:
    """Trains a stage; all that it prints is added to the log."""
    with output_to(log):
        try:
            ensure_stage(one.plan, one.stage, store, terminal())
        except Exception as error:  # whatever it is, the other stages continue
            print(f"{one.stage.name} failed: {error}")
            return first_line(error)
    return None


def _outcome(training: Training) -> str | None:
    error = training.exception()
    if isinstance(error, Preempted):
        raise error
    return training.result() if error is None else first_line(error)
