"""What W&B is given: one run per stage, with its curves and weights, or one per sweep trial.

Runs of stages are grouped by the run folder that they belong to. A run's id is kept with the
unfinished stage, so that an interrupted stage resumes in the same run.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from matl.config import Experiment, LoggerConfig
from matl.files import replace_file
from matl.names import BACKBONE, HEADS, RUN_ID
from matl.orchestrator.wandb_private import log_used_artifact
from matl.orchestrator.wandb_run import SafeRun

if TYPE_CHECKING:
    import wandb

    from matl.orchestrator.job import Job
    from matl.orchestrator.wandb_curves import CurveLogger


@contextmanager
def stage_logger(job: "Job", console: Console) -> Iterator["CurveLogger | None"]:
    """The logger of a stage while it is trained, or None where W&B is not wanted."""
    if not wanted(job.experiment.logger):
        yield None
        return
    from matl.orchestrator.wandb_curves import CurveLogger

    stage, trial = job.stage, in_sweep()
    run = open_run(
        job.experiment,
        console,
        folder=job.workspace,
        group=job.group,
        name=stage.name,
        job_type="train",
        config={stage.name: stage.identity} if trial else stage.identity,
        complete=not trial,
    )
    try:
        yield CurveLogger(run, f"{stage.name}/" if trial else "")
    except BaseException as error:
        run.finish(exit_code=1, hurry=not isinstance(error, Exception))
        raise
    run.finish()


def open_run(
    experiment: Experiment,
    console: Console,
    *,
    folder: Path,
    group: str,
    name: str,
    job_type: str,
    config: Mapping[str, Any],
    complete: bool = True,
) -> SafeRun:
    """A run whose id is kept in a folder; under a sweep's agent, the trial's one run.

    Args:
        experiment: names the project, and the folder of W&B's own files.
        console: where failures are printed.
        folder: where the run's id is kept.
        group: of the run; a trial has that of its sweep, and so for the next two.
        name: of the run.
        job_type: of the run.
        config: of the run.
        complete: whether the run is over with this; a trial lasts from stage to stage.
    """
    labels = {
        "project": experiment.logger.project,
        "id": kept_id(folder),
        "group": group,
        "name": name,
        "job_type": job_type,
    }
    return SafeRun(
        console,
        offline=experiment.logger.wandb == "offline",
        complete=complete,
        dir=experiment.runs,
        config=dict(config),
        **({} if in_sweep() else labels),
    )


def wanted(settings: LoggerConfig) -> bool:
    """Whether anything is logged to W&B; its own WANDB_MODE can switch it off."""
    return settings.wandb != "disabled" and os.environ.get("WANDB_MODE") != "disabled"


def in_sweep() -> bool:
    """Whether an agent of a sweep started this process."""
    return "WANDB_SWEEP_ID" in os.environ


def kept_id(folder: Path) -> str:
    """The id of the run that a folder belongs to, drawn and kept there where it has none yet."""
    identifier = last_id(folder)
    if identifier is None:
        identifier = secrets.token_hex(4)
        replace_file(folder / RUN_ID, identifier.encode())
    return identifier


def last_id(folder: Path) -> str | None:
    """The id of the run that a folder belongs to; None where nothing of it was logged to W&B."""
    if in_sweep():
        return os.environ["WANDB_RUN_ID"]
    file = folder / RUN_ID
    return file.read_text() if file.exists() else None


def log_weights(run: SafeRun, job: "Job") -> None:
    """Logs the stage's final weights, and that they were made from those of the stage before."""
    stage = job.stage
    about = {"stage": stage.name, "task": stage.config.task, "parent": stage.parent}
    run.add(lambda run: run.log_artifact(weights(stage.fingerprint, job.workspace, about)))
    if job.parent_weights and stage.parent:
        use_weights(run, stage.parent, job.parent_weights.parent)


def use_weights(run: SafeRun, fingerprint: str, entry: Path) -> None:
    """Notes that a run begins from a stored stage, which W&B need not have seen yet.

    W&B knows files by their digest, so this is the artifact that the stage's own run has logged.
    """
    run.add(lambda run: log_used_artifact(run, weights(fingerprint, entry, policy="immutable")))


def weights(
    fingerprint: str, folder: Path, about: Mapping[str, Any] | None = None, policy: str = "mutable"
) -> "wandb.Artifact":
    """A stage's weights as an artifact; `mutable` files are copied, as they will move."""
    import wandb

    metadata = {"fingerprint": fingerprint, **(about or {})}
    artifact = wandb.Artifact(f"weights-{fingerprint}", type="model", metadata=metadata)
    for name in (BACKBONE, HEADS):
        artifact.add_file(str(folder / name), policy=policy)
    return artifact
