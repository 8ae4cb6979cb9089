"""What happens where memory runs out: a stage is refused, or restarts with half the batch."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import torch
from pytorch_lightning.utilities.memory import garbage_collection_cuda, is_oom_error
from rich.console import Console

from matl.errors import OutOfMemory
from matl.files import replace_file
from matl.names import ABOUT, BATCH_SIZE
from matl.orchestrator.job import Job


def refuse_batch(job: Job, error: RuntimeError) -> None:
    """Says of an error what to do, where it means that memory ran out.

    Raises:
        OutOfMemory: it does.
    """
    if isinstance(error, torch.OutOfMemoryError) or is_oom_error(error):
        raise OutOfMemory(
            f"stages.{job.stage.name}: out of memory at batch_size {job.stage.config.batch_size}; "
            "set a smaller one, or trainer.auto_batch=true"
        ) from error


def within_memory(job: Job, train: Callable[[Job], None], console: Console) -> Job:
    """Trains a stage; with `auto_batch`, from its start with half the batch where memory runs out.

    Returns:
        The job as it was trained. What it shrank to is kept in the workspace, so that a stage that
        was interrupted resumes with the same batch.

    Raises:
        OutOfMemory: the batch may not shrink, or cannot: each process needs two images.
    """
    kept = job.workspace / BATCH_SIZE
    if kept.exists():
        job = _with_batch(job, int(kept.read_text()))
    while True:
        try:
            train(job)
            return job
        except OutOfMemory:
            smaller = half(job.stage.config.batch_size, job.resources.processes)
            if not job.resources.auto_batch or smaller is None:
                raise
        garbage_collection_cuda()
        about = (job.workspace / ABOUT).read_bytes()
        shutil.rmtree(job.workspace)
        job.workspace.mkdir()
        replace_file(job.workspace / ABOUT, about)
        replace_file(kept, str(smaller).encode())
        console.print(f"  {job.stage.name}: out of memory; {_change(job, smaller)}", soft_wrap=True)
        job = _with_batch(job, smaller)


def half(batch: int, processes: int) -> int | None:
    """Half a batch, which the processes can divide; None where it is too small for them."""
    smaller = batch // 2 // processes * processes
    return smaller if smaller >= 2 * processes else None


def shrunk(job: Job) -> list[str]:
    """A note that the batch is not the one that was asked for, or none."""
    asked, used = job.stage.identity["stage"]["batch_size"], job.stage.config.batch_size
    if used == asked:
        return []
    return [f"{job.stage.name} was trained with batch_size {used}, not {asked}: memory ran out"]


def _with_batch(job: Job, batch: int) -> Job:
    config = replace(job.stage.config, batch_size=batch)
    return replace(job, stage=replace(job.stage, config=config))


def _change(job: Job, batch: int) -> str:
    before, also = job.stage.config.batch_size, job.stage.task.smaller_batch
    line = f"it restarts with batch_size {batch} instead of {before}, at the same lr"
    return f"{line}; {also}" if also else line
