"""Runs a plan: reuses what the store has, trains what is missing, and writes the report."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import Timeout
from rich.console import Console
from rich.progress import Progress

from data_modules.errors import DataError
from matl.backbones import account, build_backbone
from matl.config.load import to_yaml
from matl.config.schema import Experiment
from matl.files import disk_errors
from matl.orchestrator.batch import within_memory
from matl.orchestrator.collect import run_record
from matl.orchestrator.commit import commit
from matl.orchestrator.fit import train
from matl.orchestrator.job import Job, open_images
from matl.orchestrator.nodes import ALONE, Nodes
from matl.orchestrator.plan import Plan, PlannedStage, make_plan
from matl.orchestrator.resources import refuse_missing_gpus
from matl.orchestrator.shared_plan import share_plan
from matl.orchestrator.stage_samples import refuse_skipped_class
from matl.orchestrator.store import BACKBONE, Store
from matl.orchestrator.wandb_report import log_report
from matl.orchestrator.wandb_run import refuse_wrong_key
from matl.preemption import ends_when_preempted
from matl.report.html.run_page import EXPERIMENT, write_run_page
from matl.report.run_record import RunRecord
from matl.report.run_report import write_report

REUSED, FRESH = "reused", "fresh"


@ends_when_preempted()
def run(
    experiment: Experiment,
    command: str,
    console: Console,
    *,
    through: int = 3,
    fresh: bool = False,
    nodes: Nodes = ALONE,
) -> tuple[RunRecord, Path]:
    """Runs an experiment's chain; on several nodes the first does, and the others `follow`.

    Args:
        experiment: the experiment.
        command: the user's command, for the report.
        console: where progress is shown.
        through: the last part of the paper that runs.
        fresh: train every stage again; each replaces the stored one after it succeeded.
        nodes: the machines that train together.

    Returns:
        The run's record and the folder of its report.

    Raises:
        MatlError: a mistake in the experiment.
        DataError: a mistake in the data.
        Preempted: SIGTERM or SIGUSR1 came; a stage that was being trained saved a checkpoint.
    """
    plan, store = _planned(experiment, through)
    folder = plan.folder
    share_plan(plan, store, nodes)
    missing = [stage for stage in plan.stages if fresh or stage.fingerprint not in store]
    if experiment.backbone.weights and any(stage.parent is None for stage in missing):
        _try_initial_weights(experiment, console)
    if missing:
        refuse_wrong_key(experiment.logger)
        _decode(experiment, missing, console)
    for stage in plan.stages:
        place = (missing.index(stage) + 1 if stage in missing else 0, len(missing))
        ensure_stage(plan, stage, store, console, fresh=fresh, place=place, nodes=nodes)
    record = run_record(plan, store, command)
    write_report(record, folder)
    (folder / EXPERIMENT).write_text(to_yaml(experiment))
    write_run_page(folder)
    log_report(plan, record, store, folder, bool(missing), console)
    return record, folder


def _decode(experiment: Experiment, stages: Sequence[PlannedStage], console: Console) -> None:
    """Decodes the images of all stages, so that bad ones are known before the first one trains.

    Raises:
        DataError: images cannot be read; all of them are listed.
    """
    errors: dict[str, None] = {}
    with _decoding(console) as progress:
        for stage in stages:
            try:
                readable = open_images(experiment, stage, progress).samples
                refuse_skipped_class(stage.name, stage.config, readable)
            except DataError as error:
                errors[str(error)] = None
    if errors:
        raise DataError("\n".join(errors))


def _try_initial_weights(experiment: Experiment, console: Console) -> None:
    """Ends the run before anything is decoded where the weights do not fit.

    A file's normalisation follows from its layout, and a wrong guess would be silent: it is shown.
    """
    network = build_backbone(experiment.backbone, experiment.seed).network
    mean, std = float(network.mean.mean()), float(network.std.mean())
    console.print(f"begins from {experiment.backbone.weights}")
    console.print(f"images are normalised by the mean {mean:.4g} and the deviation {std:.4g}")


def ensure_stage(
    plan: Plan,
    stage: PlannedStage,
    store: Store,
    console: Console,
    *,
    fresh: bool = False,
    place: tuple[int, int] = (1, 1),
    nodes: Nodes = ALONE,
) -> None:
    """Trains a stage and commits it, unless the store has it; its parent must be there.

    Args:
        plan: what the stage belongs to.
        stage: one of its stages.
        store: where finished stages lie.
        console: where progress is shown.
        fresh: train it even where the store has it; it is replaced after success.
        place: the stage's place among those to train, from 1, and their number.
        nodes: the machines that train together; this is the first.
    """
    with disk_errors(store.root), _locked(store, stage, console):
        if stage.fingerprint in store and not fresh:
            console.print(f"[green]{stage.name}[/]: in the store ({stage.fingerprint})")
            store.remove_leftover(stage.fingerprint)
            nodes.tell(stage.fingerprint, REUSED)
            return
        refuse_missing_gpus(plan.resources)
        console.print(
            f"[bold]{stage.name}[/]: training ({stage.fingerprint}), stage {place[0]} of {place[1]}"
        )
        job = stage_job(plan, stage, store, fresh, place)
        if stage.parent:
            carried = account(plan.experiment.backbone, stage.config.transfer)
            console.print(f"  {stage.name} {carried}")
        nodes.tell(stage.fingerprint, FRESH if fresh else "")
        with nodes.together(f"{stage.fingerprint}/images"), _decoding(console) as progress:
            open_images(plan.experiment, stage, progress)
        with nodes.together(f"{stage.fingerprint}/training"):
            job = within_memory(job, partial(train, nodes=nodes), console)
        commit(job, store)
        nodes.tell(f"{stage.fingerprint}/committed", "")


@ends_when_preempted()
def follow(experiment: Experiment, nodes: Nodes, *, through: int = 3) -> None:
    """Runs an experiment's chain on a node that is not the first: trains what that one trains.

    Raises:
        MatlError: this node plans otherwise or does not see the first one's store; or another node
            failed.
    """
    plan, store = _planned(experiment, through)
    share_plan(plan, store, nodes)
    for stage in plan.stages:
        if (what := nodes.hear(stage.fingerprint)) == REUSED:
            continue
        job = stage_job(plan, stage, store, what == FRESH)
        with nodes.together(f"{stage.fingerprint}/images"), disk_errors(store.root):
            refuse_missing_gpus(plan.resources)
            open_images(plan.experiment, stage)
        with nodes.together(f"{stage.fingerprint}/training"), disk_errors(store.root):
            train(job, nodes)
        nodes.hear(f"{stage.fingerprint}/committed")


def _planned(experiment: Experiment, through: int) -> tuple[Plan, Store]:
    for needed in (experiment.store, experiment.cache, experiment.runs):
        Path(needed).mkdir(parents=True, exist_ok=True)
    return make_plan(experiment, through), Store(experiment.store)


def stage_job(
    plan: Plan,
    stage: PlannedStage,
    store: Store,
    fresh: bool = False,
    place: tuple[int, int] = (1, 1),
) -> Job:
    """The training of a stage whose parent the store has; the arguments are `ensure_stage`'s."""
    return Job(
        experiment=plan.experiment,
        stage=stage,
        resources=plan.resources,
        parent_weights=store.file(stage.parent, BACKBONE) if stage.parent else None,
        workspace=store.workspace(
            stage.fingerprint, fresh, stage=stage.name, experiment=plan.experiment.name
        ),
        group=plan.folder.name,
        place=place,
    )


@contextmanager
def _locked(store: Store, stage: PlannedStage, console: Console) -> Iterator[None]:
    lock = store.lock(stage.fingerprint)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print(f"{stage.name}: another run is training it; waiting for that")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _decoding(console: Console) -> Iterator[Callable[[int, int], None]]:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("decoding images", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
