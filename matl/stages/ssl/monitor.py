"""What is measured of a self-supervised stage's features as it trains; it changes no weight."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

import numpy as np
import torch
from torch import Tensor

from data_modules.module import ImageDataModule
from matl.evaluation.embedding import (
    alignment,
    dimensional_collapse,
    effective_rank,
    mean_cosine,
    uniformity,
)
from matl.seeding import derive, generator
from matl.stages.base import Stage
from matl.stages.pooled import plain_features, pooled
from matl.stages.ssl.task import LungSSLConfig
from matl.views import random_view

SAMPLE, PAIRS = 256, 64
"""Images whose plain views are looked at, and those of them that are also seen in two views."""
PROBED = 2048
"""Images that are probed at most."""
SHARE = 0.03
"""Of an epoch's forward passes that the measurements may cost where `monitor_every` is 0."""


class Monitor:
    """Measures the pooled features of a fixed sample of the training images.

    Rank, collapse, mean cosine and uniformity are of plain views, alignment is between two random
    views. Sample and views are drawn by generators of their own, the same in every epoch. The
    network looks in evaluation mode, at the precision that it trains in.

    Args:
        data: The stage's images.
        config: Its settings.
        seed: The experiment's.
        splits: Which the stage trains on.
        passes: Forward passes that a training step costs per image.
    """

    def __init__(
        self,
        data: ImageDataModule,
        config: LungSSLConfig,
        seed: int,
        splits: tuple[str, ...],
        passes: int,
    ) -> None:
        self._data, self._config, self._seed = data, config, seed
        training = np.flatnonzero(data.samples.table["split"].isin(splits))
        self._rows = _drawn(seed, config.task, "monitor").permutation(training)[:SAMPLE]
        looked_at = len(self._rows) + 2 * len(self._rows[:PAIRS])
        cheap = ceil(looked_at / (SHARE * passes * len(training)))
        self.every = config.monitor_every or cheap

    def __call__(self, stage: Stage, epoch: int) -> dict[str, float]:
        """What is measured at the end of an epoch, by the name of its curve.

        Args:
            stage: Being trained; as it was before afterwards.
            epoch: Counted from 1.
        """
        measured: dict[str, float] = {}
        ends = epoch in (1, self._config.epochs)
        with _evaluating(stage):
            if len(self._rows) > 1 and (ends or epoch % self.every == 0):
                measured |= self._embedding(stage)
            if self._config.probe_every and epoch % self._config.probe_every == 0:
                measured |= self._probes(stage)
        return measured

    def _embedding(self, stage: Stage) -> dict[str, float]:
        features = self._features(stage, self._rows)
        return {
            "embedding/rank": effective_rank(features),
            "embedding/collapse": dimensional_collapse(features),
            "embedding/cosine": mean_cosine(features),
            "embedding/uniformity": uniformity(features),
            "embedding/alignment": alignment(*self._two_views(stage)),
        }

    def _features(self, stage: Stage, rows: np.ndarray) -> Tensor:
        """Pooled features of the plain views of images, float32 [N, D], on the CPU."""
        batches = self._data.loader_of(rows)
        return plain_features(stage.backbone, batches, stage.fitting, stage.device)

    def _two_views(self, stage: Stage) -> list[Tensor]:
        draw = generator(self._seed, self._config.task, "monitor", "views")
        pairs = []
        for batch in self._data.loader_of(self._rows[:PAIRS]):
            image, extent = (batch[name].to(stage.device) for name in ("image", "extent"))
            views = [
                random_view(image, self._config.views, draw, stage.fitting, extent).image
                for _ in range(2)
            ]
            pairs.append([pooled(stage.backbone, view) for view in views])
        return [torch.cat(side) for side in zip(*pairs, strict=True)]

    def _probes(self, stage: Stage) -> dict[str, float]:
        from matl.evaluation.probes import probe
        from matl.stages.ssl.probed import probed_images

        rows, labels, persons = probed_images(
            self._data.samples, _drawn(self._seed, self._config.task, "probe"), PROBED
        )
        if not len(rows):
            return {}
        features = self._features(stage, rows).numpy()
        return {f"probe/{name}": one for name, one in probe(features, labels, persons).items()}


def _drawn(*words: str | int) -> np.random.Generator:
    return np.random.default_rng(derive(*words))


@contextmanager
def _evaluating(stage: Stage) -> Iterator[None]:
    """Evaluation mode without gradients, at the stage's precision; every mode is put back."""
    modes = {module: module.training for module in stage.modules()}
    stage.eval()
    try:
        with torch.no_grad(), stage.trainer.precision_plugin.forward_context():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
