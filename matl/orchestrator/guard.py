"""After every batch all processes of a stage decide together whether it continues."""

from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.distributed as dist
from torch import Tensor

from data_modules.samples import Samples
from matl.errors import MatlError
from matl.orchestrator.checkpoints import inside_epoch
from matl.preemption import REQUEUE, Preempted, on_signal

NAMED_IMAGES = 4
REMEDY = "lower lr, or set clip above 0"
KEPT = "the last good checkpoint is kept"


@dataclass
class Seen:
    """A batch that was trained on; whether its loss is finite, a bool on its way to the CPU."""

    epoch: int
    step: int
    index: Tensor
    finite: Tensor
    arrived: torch.cuda.Event | None

    def is_finite(self) -> bool:
        """Waits for this batch alone, not for what the device was given since."""
        if self.arrived is not None:
            self.arrived.synchronize()
        return bool(self.finite)


class Guard(pl.Callback):
    """Ends a stage where a loss is no number, and where the machine is to be given back.

    On a GPU a loss is read a batch later, so that the device is never waited for. Nothing is saved
    meanwhile that is no number. A signal takes effect behind the next optimizer step, after a
    checkpoint; behind an epoch's last step, after its validation.

    Args:
        stage: the stage's name, for errors.
        samples: what the batches' `index` counts.
        checkpoint: where one is saved.
    """

    def __init__(self, stage: str, samples: Samples, checkpoint: Path) -> None:
        self.stage, self.samples, self.checkpoint = stage, samples, checkpoint
        self._seen: Seen | None = None
        self._signalled = self._stopping = False
        self._processes: Any = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Make a group on the CPU in which the processes decide."""
        if trainer.world_size > 1:
            self._processes = dist.new_group(backend="gloo")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Replaces Lightning's handler, which speaks to the other processes at any moment."""
        on_signal(self._note_signal)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """End the stage where a signal came during validation."""
        self._end_if_stopping()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: dict[str, Tensor],
        batch_idx: int,
    ) -> None:
        """Decide after a batch, on a GPU about the one before."""
        before, self._seen = self._seen, _seen(trainer, outputs["loss"], batch["index"], batch_idx)
        if self._seen.arrived is None:
            before = self._seen
        self._decide(before)
        if self._stopping and inside_epoch(trainer, batch_idx):
            self._decide(self._seen)
            trainer.save_checkpoint(self.checkpoint)
            self._end_if_stopping()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decide about the epoch's last batch."""
        self._decide(self._seen)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decide once more."""
        self._decide(None)  # a signal may have come while the last checkpoint was saved
        self._end_if_stopping()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Heeds a signal that came since; one process is enough, its group is stopped."""
        self._stopping = self._signalled
        self._end_if_stopping()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keeps weights that are no numbers out of checkpoints.

        Raises:
            MatlError: a weight or a running statistic is not finite; all processes have the same.
        """
        if not all(weight.isfinite().all() for weight in pl_module.state_dict().values()):
            raise MatlError(
                f"stages.{self.stage}: training diverged in epoch {trainer.current_epoch + 1}: "
                f"weights are not finite; {REMEDY}; {KEPT}"
            )

    def _end_if_stopping(self) -> None:
        if self._stopping:
            raise Preempted(REQUEUE)

    def _decide(self, seen: Seen | None) -> None:
        """Takes the same decision in all processes: to continue, to stop soon, or to fail.

        Raises:
            MatlError: in all of them, where the loss of one is not finite.
        """
        finite = seen is None or seen.is_finite()
        decision = torch.tensor([not finite, self._signalled], dtype=torch.uint8)
        if self._processes is not None:
            dist.all_reduce(decision, dist.ReduceOp.MAX, group=self._processes)
        failed, self._stopping = bool(decision[0]), bool(decision[1])
        if failed and seen is not None:
            raise MatlError(
                f"stages.{self.stage}: training diverged in epoch {seen.epoch}, step {seen.step}: "
                f"the loss is not finite on {self._images(seen, finite)}; {REMEDY}, or fix these "
                f"images; {KEPT}"
            )

    def _images(self, seen: Seen, finite: bool) -> str:
        """The images of the batch in the processes whose loss is not finite, at most some."""
        rows = [] if finite else seen.index.tolist()
        if self._processes is not None:
            parts: list[list[int]] = [[] for _ in range(dist.get_world_size())]
            dist.all_gather_object(parts, rows, group=self._processes)
            rows = [row for part in parts for row in part]
        paths = self.samples.table["path"].to_numpy()[np.array(rows)]
        named = ", ".join(paths[:NAMED_IMAGES])
        more = len(paths) - NAMED_IMAGES
        return f"{named} and {more} more" if more > 0 else named


def _seen(trainer: pl.Trainer, loss: Tensor, index: Tensor, batch_idx: int) -> Seen:
    finite = loss.detach().isfinite().all()
    arrived = None
    if finite.is_cuda:
        finite = finite.to("cpu", non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
    step = batch_idx // trainer.accumulate_grad_batches + 1
    return Seen(trainer.current_epoch + 1, step, index, finite, arrived)
