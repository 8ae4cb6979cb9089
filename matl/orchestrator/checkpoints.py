"""Checkpoints of an unfinished stage: the last two, each replaced whole and known by its digest."""

import hashlib
import io
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO
from rich.console import Console

from matl.errors import MatlError
from matl.files import file_digest, read_json, read_whole, sync
from matl.names import CHECKPOINT, CHECKPOINT_BEFORE, CHECKPOINT_DIGESTS, DAMAGED
from matl.orchestrator.job import Job
from matl.orchestrator.nodes import ALONE, Nodes
from matl.terminal import terminal
from matl.typed_json import typed

KEPT_DIGESTS = 10  # more than files: a kill may leave one that is noted and not there


class LastTwo(TorchCheckpointIO):
    """Keeps a checkpoint and the one before it.

    A file is written beside and renamed, after its SHA-256 was noted: killed at any moment, every
    file is whole and known.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write a checkpoint beside the last one, then put it in its place."""
        target = Path(path)
        partial = target.with_suffix(".partial")
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        try:
            partial.write_bytes(buffer.getbuffer())
            sync(partial)
            _note(target.parent, hashlib.sha256(buffer.getbuffer()).hexdigest())
        except OSError:
            partial.unlink(missing_ok=True)  # a full disk needs its room
            raise
        if target.exists():
            os.replace(target, target.with_name(CHECKPOINT_BEFORE))
        os.replace(partial, target)
        sync(target.parent)

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any = None, weights_only: Any = None
    ) -> dict[str, Any]:
        """Loads a checkpoint.

        Raises:
            MatlError: it holds a program, which is not executed.
        """
        try:
            return super().load_checkpoint(Path(path), map_location, weights_only)
        except pickle.UnpicklingError as error:
            raise MatlError(
                f"{path}: holds a pickled program, which no checkpoint of matl's does; delete it"
            ) from error


class MidEpochCheckpoint(ModelCheckpoint):
    """Saves after an optimizer step inside an epoch; never before the epoch's validation."""

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save where the step is exact."""
        if inside_epoch(trainer, batch_idx):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


def inside_epoch(trainer: pl.Trainer, batch_idx: int) -> bool:
    """Whether a batch ended an optimizer step and not the epoch: a checkpoint here is exact."""
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0 and not trainer.is_last_batch


def checkpoint_callbacks(folder: Path, every: int) -> list[ModelCheckpoint]:
    """Saves after each epoch and, where `every` is not 0, after so many steps."""
    settings: dict[str, Any] = {
        "dirpath": folder,
        "filename": Path(CHECKPOINT).stem,
        "save_top_k": 1,
        "enable_version_counter": False,
    }
    callbacks = [ModelCheckpoint(every_n_epochs=1, save_on_train_epoch_end=True, **settings)]
    if every:
        callbacks.append(MidEpochCheckpoint(every_n_train_steps=every, **settings))
    return callbacks


def go_on(job: Job, nodes: Nodes = ALONE) -> Job:
    """The job with the checkpoint that it resumes from, which node 0 chooses for all processes.

    Raises:
        MatlError: there are checkpoints, and none is whole.
    """
    told = f"{job.stage.fingerprint}/checkpoint"
    if nodes.follows:
        name = nodes.hear(told)
        if name == DAMAGED:
            raise MatlError("node 0 finds no checkpoint that is whole; what it printed says more")
    else:
        name = DAMAGED
        try:
            newest = checkpoint_in(job.workspace, terminal())
            name = newest.name if newest else ""
        finally:
            nodes.tell(told, name)
    return replace(job, checkpoint=job.workspace / name if name else None)


def checkpoint_in(folder: Path, console: Console) -> Path | None:
    """The newest checkpoint that is whole, or None where there is none yet.

    Args:
        folder: of the unfinished stage.
        console: where it is said that a file is damaged; it is put aside then.

    Raises:
        MatlError: there are checkpoints, and none is whole.
    """
    files = [file for file in (folder / CHECKPOINT, folder / CHECKPOINT_BEFORE) if file.exists()]
    if not files:
        return None
    digests = _digests(folder)
    whole = next((file for file in files if _is_whole(file, digests)), None)
    if whole is None:
        raise MatlError(
            f"{files[0]}: the checkpoint is damaged; delete {folder} to restart the stage"
        )
    for file in files[: files.index(whole)]:
        console.print(
            f"{file}: its SHA-256 is not that of a saved checkpoint, so it is damaged; "
            f"training resumes from {whole.name}, the one before",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )
        os.replace(file, file.with_suffix(".damaged"))
    return whole


def _is_whole(file: Path, digests: list[str]) -> bool:
    try:
        if digests:
            return file_digest(file) in digests
        torch.load(file, map_location="meta", weights_only=True)  # saved before there were digests
    except FileNotFoundError:
        return False
    except OSError:
        raise
    except Exception:
        return False
    return True


def _note(folder: Path, digest: str) -> None:
    """Adds the digest of the newest checkpoint; those of files that may still lie there stay."""
    known = [digest, *_digests(folder)][:KEPT_DIGESTS]
    partial = folder / f"{CHECKPOINT_DIGESTS}.partial"
    partial.write_text(json.dumps(known))
    sync(partial)
    os.replace(partial, folder / CHECKPOINT_DIGESTS)


def _digests(folder: Path) -> list[str]:
    try:
        return typed(list[str], read_json(read_whole(folder / CHECKPOINT_DIGESTS)))
    except (FileNotFoundError, ValueError):
        return []
