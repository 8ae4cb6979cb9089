"""How often a stage that trains looks at its validation images."""

from math import ceil

import pytorch_lightning as pl

from data_modules.samples import Samples

SHARE = 0.1
"""Of an epoch's forward and backward passes that validation may cost."""
BACKWARD = 2
"""Forward passes that a backward pass costs as much as."""


def validation_interval(samples: Samples) -> int:
    """Epochs between validations, so that few training images beside many others cost little.

    Args:
        samples: The stage's.
    """
    counts = samples.table["split"].value_counts()
    trained, validated = (int(counts.get(split, 0)) for split in ("train", "val"))
    return max(ceil(validated / (SHARE * (1 + BACKWARD) * max(trained, 1))), 1)


class Validation(pl.Callback):
    """Validates every so many epochs, and in the first and the last one.

    Args:
        interval: Epochs from one validation to the next.
    """

    def __init__(self, interval: int) -> None:
        self._interval = interval

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decide for the first epoch: a resume inside an epoch begins none."""
        self._decide(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decide for the epoch that begins."""
        self._decide(trainer)

    def _decide(self, trainer: pl.Trainer) -> None:
        epoch, epochs = trainer.current_epoch + 1, int(trainer.max_epochs or 1)
        due = epoch in (1, epochs) or epoch % self._interval == 0
        trainer.check_val_every_n_epoch = 1 if due else epochs + 1


def logged(trainer: pl.Trainer) -> dict[str, float]:
    """The values that were logged in this epoch; Lightning's own also hold older validations."""
    validated = trainer.check_val_every_n_epoch == 1
    return {
        name: float(value)
        for name, value in sorted(trainer.callback_metrics.items())
        if validated or not name.startswith("val/")
    }
