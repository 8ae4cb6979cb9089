"""Checkpoints of an unfinished stage: one file, replaced whole."""

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from matl.errors import MatlError

CHECKPOINT = "last.ckpt"


class WholeFile(TorchCheckpointIO):
    """Writes beside the file and renames, so that a kill leaves the old file or the new one."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        target = Path(path)
        partial = target.with_suffix(".partial")
        torch.save(checkpoint, partial)
        os.replace(partial, target)


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
        stepped = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if stepped and not trainer.is_last_batch:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


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


def checkpoint_in(folder: Path) -> Path | None:
    """The checkpoint to go on from, or None.

    Raises:
        MatlError: the file is damaged.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        return None
    try:
        torch.load(file, map_location="meta", weights_only=True)
    except Exception as error:
        raise MatlError(f"{file}: the checkpoint is damaged; delete it to begin anew") from error
    return file
