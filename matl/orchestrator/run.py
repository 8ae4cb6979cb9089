"""Runs a plan: reuses what the store has, trains what is missing, and writes the report."""

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from data_modules.errors import DataError
from matl.checksums import write_files
from matl.config import Experiment, checked, to_yaml
from matl.files import disk_errors
from matl.names import EXPERIMENT, NEAR_DUPLICATES
from matl.orchestrator.collect import run_record, sample_notes
from matl.orchestrator.ensure import FRESH, REUSED, decode_images, ensure_stage
from matl.orchestrator.leaks import near_notes
from matl.orchestrator.nodes import ALONE, Nodes
from matl.orchestrator.plan import Plan, PlannedStage, plan_checked
from matl.orchestrator.shared_plan import share_plan
from matl.orchestrator.stage_card import weights_notes
from matl.orchestrator.stage_images import Images
from matl.orchestrator.store import Store
from matl.orchestrator.wandb_report import log_report
from matl.orchestrator.wandb_run import refuse_wrong_key
from matl.preemption import ends_when_preempted
from matl.report.html.run_page import write_run_page
from matl.report.run_record import RunRecord
from matl.report.run_report import write_report
from matl.spreadsheet import csv_bytes
from matl.stages.outside import is_outside
from matl.terminal import show_notes, terminal

FROM_PYTHON = "matl.run(experiment)"


class Run(NamedTuple):
    """What a run leaves.

    Attributes:
        record: All that its report is made from.
        folder: Where the report is.
    """

    record: RunRecord
    folder: Path


@ends_when_preempted()
def run(
    experiment: Experiment,
    *,
    through: int = 3,
    fresh: bool = False,
    nodes: Nodes = ALONE,
    command: str = FROM_PYTHON,
    console: Console | None = None,
) -> Run:
    """Runs an experiment's chain; on several nodes the first does, and the others `follow`.

    Args:
        experiment: What to run; one built in Python is checked as a file is.
        through: The last part of the paper that runs.
        fresh: Train every stage again; each replaces the stored one after it succeeded.
        nodes: The machines that train together.
        command: What the user typed, for the report.
        console: Where progress is shown; by default standard output.

    Returns:
        The run's record and the folder of its report.

    Raises:
        MatlError: A mistake in the experiment.
        DataError: A mistake in the data.
        Preempted: SIGTERM or SIGUSR1 came; a stage that was being trained saved a checkpoint.
    """
    experiment, console = checked(experiment), console or terminal()
    plan, store = _planned(experiment, through)
    _try_folder(plan.folder)
    show_notes([*weights_notes(plan), *sample_notes(plan), *near_notes(plan.alike)], console)
    share_plan(plan, store, nodes)
    missing = [stage for stage in plan.stages if fresh or stage.fingerprint not in store]
    images = _prepare(plan, missing, console) if missing else {}
    show_notes(_new_notes(missing, images), console)
    for stage in plan.stages:
        place = (missing.index(stage) + 1 if stage in missing else 0, len(missing))
        opened = images.get(stage.fingerprint)
        ensure_stage(
            plan, stage, store, console, fresh=fresh, place=place, nodes=nodes, images=opened
        )
    record = run_record(plan, store, command)
    with disk_errors(plan.folder):
        _write(record, plan)
    log_report(plan, record, store, plan.folder, bool(missing), console)
    return Run(record, plan.folder)


def _write(record: RunRecord, plan: Plan) -> None:
    write_report(record, plan.folder)
    pairs = csv_bytes(plan.alike) if len(plan.alike) else None
    files = {EXPERIMENT: to_yaml(plan.experiment).encode(), NEAR_DUPLICATES: pairs}
    write_files(plan.folder, files)
    write_run_page(plan.folder)


@ends_when_preempted()
def follow(experiment: Experiment, nodes: Nodes, *, through: int = 3) -> None:
    """Runs an experiment's chain on a node that is not the first: trains what that one trains.

    Raises:
        MatlError: This node plans otherwise or does not see the first one's store; or another node
            failed.
    """
    from matl.orchestrator.training import train_along

    plan, store = _planned(experiment, through)
    share_plan(plan, store, nodes)
    for stage in plan.stages:
        if (what := nodes.hear(stage.fingerprint)) != REUSED:
            train_along(plan, stage, store, nodes, fresh=what == FRESH)


def _planned(experiment: Experiment, through: int) -> tuple[Plan, Store]:
    for needed in (experiment.store, experiment.cache, experiment.runs):
        Path(needed).mkdir(parents=True, exist_ok=True)
    return plan_checked(experiment, through), Store(experiment.store)


def _try_folder(folder: Path) -> None:
    """Finds before the training that the report's folder cannot be made or written."""
    with disk_errors(folder):
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.rmdir()
        elif not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, "cannot be written", str(folder))


def _prepare(plan: Plan, missing: Sequence[PlannedStage], console: Console) -> dict[str, Images]:
    """Finds mistakes before the first stage trains; the images of each stage by fingerprint.

    Raises:
        MatlError: The initial weights do not fit, too few images can be read, or the module of a
            task from outside cannot be built.
        DataError: Images cannot be read; all of them are listed.
    """
    if plan.experiment.backbone.weights and any(stage.parent is None for stage in missing):
        _try_initial_weights(plan.experiment, console)
    refuse_wrong_key(plan.experiment.logger)
    errors: dict[str, None] = {}
    images = {}
    for stage in missing:
        try:
            images[stage.fingerprint] = decode_images(plan.experiment, stage, console)
        except DataError as error:
            errors[str(error)] = None
    if errors:
        raise DataError("\n".join(errors))
    for stage in missing:
        if is_outside(stage.task):
            from matl.orchestrator.first_build import try_build

            try_build(plan.experiment, stage, images[stage.fingerprint])
    return images


def _new_notes(stages: Sequence[PlannedStage], images: Mapping[str, Images]) -> list[str]:
    """What was found of the images when they were decoded, each once."""
    named = (
        f"{stage.name}: {note}"
        for stage in stages
        for note in images[stage.fingerprint].samples.notes
        if note not in stage.samples.notes
    )
    return list(dict.fromkeys(named))


def _try_initial_weights(experiment: Experiment, console: Console) -> None:
    """Ends the run before anything is decoded where the weights do not fit.

    A file's normalisation follows from its layout, and a wrong guess would be silent: it is shown.
    """
    from matl.backbones import build_backbone

    network = build_backbone(experiment.backbone, experiment.seed).network
    mean, std = float(network.mean.mean()), float(network.std.mean())
    console.print(f"images are normalised by the mean {mean:.4g} and the deviation {std:.4g}")
