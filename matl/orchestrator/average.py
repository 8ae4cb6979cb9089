"""The mean of a stage's weights over its last epochs."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from matl.stages.base import Stage


class LastEpochs(pl.Callback):
    """Averages the network and its heads over the last epochs, with their batch statistics.

    Izmailov et al., "Averaging weights leads to wider optima", https://arxiv.org/abs/1803.05407,
    at the end of the schedule. The mean lies in the checkpoints; one epoch averages nothing.
    """

    def __init__(self, epochs: int) -> None:
        """Keep how many epochs count."""
        self._epochs = epochs
        self._mean: dict[str, Tensor] = {}
        self._seen = 0
        self._own: dict[str, Tensor] = {}

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate the mean in the last epoch, so that what is said is of the weights kept."""
        assert trainer.max_epochs is not None
        if self._epochs > 1 and trainer.current_epoch == trainer.max_epochs - 1:
            self._own = {name: value.clone() for name, value in _weights(pl_module).items()}
            _put(self._with(self._own), pl_module)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go back to the weights that are trained."""
        _put(self._own, pl_module)
        self._own = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the weights into the mean, where the epoch is one of the last."""
        assert trainer.max_epochs is not None
        if self._epochs > 1 and trainer.current_epoch >= trainer.max_epochs - self._epochs:
            self._mean = self._with(_weights(pl_module))
            self._seen += 1

    def put_into(self, stage: Stage) -> None:
        """Replace a trained stage's weights by their mean."""
        _put(self._mean, stage)

    def _with(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """The mean with an epoch's weights in it; counts of batches are the last ones."""
        share = 1 / (self._seen + 1)
        return {
            name: self._mean[name].to(value.device).lerp(value, share)
            if name in self._mean and value.is_floating_point()
            else value.clone()
            for name, value in weights.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """The mean so far."""
        return {"mean": self._mean, "seen": self._seen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume with the mean of a checkpoint."""
        self._mean, self._seen = dict(state_dict["mean"]), state_dict["seen"]


def _put(weights: dict[str, Tensor], stage: pl.LightningModule) -> None:
    own = _weights(stage)
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)


def _weights(stage: pl.LightningModule) -> dict[str, Tensor]:
    """Every weight and statistic of the network and the heads, by name; not copied."""
    assert isinstance(stage, Stage)
    kept = {"backbone": stage.backbone, "heads": stage.heads}
    return {
        f"{part}.{name}": value
        for part, module in kept.items()
        for name, value in module.state_dict().items()
    }
