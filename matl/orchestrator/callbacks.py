"""What is recorded and shown while a stage trains."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from matl.orchestrator.memory import peak_memory_mb, reset_peak_memory
from matl.orchestrator.validation import logged
from matl.stages.base import Stage
from matl.stages.task import Measure

LINES_A_STAGE = 10
BAR = 20
"""Places of a bar, so that what stands beside it fits into 80."""


class CurveRecorder(pl.Callback):
    """Writes one row per epoch: the logged values, training seconds, images and peak memory.

    The rows travel in the checkpoint, so a resumed stage keeps them. The row of an epoch that was
    resumed inside is of the rest of that epoch.

    Args:
        file: Where to write them.
        measure: Gives further values of a row, which process 0 measures; see `Task.monitor`. The
            clock stands meanwhile.
    """

    def __init__(self, file: Path, measure: Measure | None = None) -> None:
        self.file, self.measure = file, measure
        self.rows: list[dict[str, float]] = []
        self._images = 0
        self._started = self._paused = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far, which the checkpoint keeps."""
        return {"rows": [dict(row) for row in self.rows]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of the epochs before a resume."""
        self.rows = state_dict["rows"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to measure: a resume inside an epoch begins no epoch."""
        reset_peak_memory()
        self._begin()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count images and time."""
        self._begin()

    def _begin(self) -> None:
        self._images, self._started, self._paused = 0, time.perf_counter(), 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: dict[str, torch.Tensor],
        batch_idx: int,
    ) -> None:
        """Count the images of all processes."""
        self._images += len(batch["image"]) * trainer.world_size

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock."""
        self._paused -= time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock again."""
        self._paused += time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the row of the epoch."""
        row = logged(trainer)
        cost = {
            "images": self._images,
            "seconds": time.perf_counter() - self._started - self._paused,
            "peak_memory_mb": peak_memory_mb(),
        }
        measured = self._measured(trainer, pl_module)
        self.rows.append({"epoch": trainer.current_epoch + 1, **row, **measured, **cost})
        if trainer.is_global_zero:
            pd.DataFrame(self.rows).to_csv(self.file, index=False)

    def _measured(self, trainer: pl.Trainer, stage: pl.LightningModule) -> dict[str, float]:
        """The same values in all processes."""
        if self.measure is None:
            return {}
        assert isinstance(stage, Stage)
        first = trainer.is_global_zero
        own = self.measure(stage, trainer.current_epoch + 1) if first else {}
        measured: dict[str, float] = trainer.strategy.broadcast(own)
        if measured and trainer.logger is not None:
            trainer.logger.log_metrics(measured, step=trainer.global_step)
        return measured


class StageProgress(pl.Callback):
    """Shows the progress of a stage and of the whole chain; a few lines where there is no screen.

    Args:
        name: The stage's name.
        values: The logged values that are shown of an epoch, the most telling first.
        place: The stage's place among those to train, from 1, and their number.
        console: Where to show it.
    """

    def __init__(
        self, name: str, values: Sequence[str], place: tuple[int, int], console: Console
    ) -> None:
        self.name = name
        self.values = values
        self.place = place
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(BAR),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar."""
        done, stages = self.place[0] - 1, self.place[1]
        steps = int(trainer.num_training_batches) * int(trainer.max_epochs or 1)
        seen = trainer.current_epoch * int(trainer.num_training_batches)
        self.bars.start()
        self._chain = self.bars.add_task("all stages", total=stages, completed=done)
        self._stage = self.bars.add_task(self.name, total=steps, completed=seen)
        self._share = 1 / steps

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Move the bar on."""
        self.bars.advance(self._stage)
        self.bars.advance(self._chain, self._share)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show what the epoch logged."""
        epoch, epochs = trainer.current_epoch + 1, int(trainer.max_epochs or 1)
        shown_before = epoch % max(epochs // LINES_A_STAGE, 1) and epoch < epochs
        if shown_before or not trainer.is_global_zero:
            return
        found = logged(trainer)
        values = {name: found[name] for name in self.values if name in found}
        line = epoch_line(self.name, f"epoch {epoch} of {epochs}", values, self.console.width)
        self.console.print(Text(line), soft_wrap=True)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Remove the bar."""
        self.bars.stop()


def epoch_line(name: str, epoch: str, values: Mapping[str, float], width: int) -> str:
    """One line of an epoch: as many of its values as fit, the first ones first.

    Args:
        name: The stage's; shortened where not even the epoch fits beside it.
        epoch: Which one, in words.
        values: What was logged, by name.
        width: Places that the line may take.
    """
    room = max(width - cell_len(f"  : {epoch}"), 1)
    line = f"  {name if cell_len(name) <= room else name[: room - 1] + '…'}: {epoch}"
    for place, (what, value) in enumerate(values.items()):
        longer = f"{line}{', ' if place else ': '}{what} {value:.3f}"
        if cell_len(longer) > width:
            break
        line = longer
    return line
