"""Files to probabilities: every file is read by one function."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from data_modules.arrays import in_threads
from data_modules.cache import LEAST_CONTRAST
from data_modules.fit import scale
from data_modules.formats.images import try_read
from data_modules.formats.pictures import Decoded
from matl.trained import TrainedModel, as_batch


@dataclass(frozen=True)
class Scored:
    """What the models say of one file.

    Attributes:
        probabilities: Of each class, the models' mean, float64 [K].
        enlarged: Whether it is smaller than what a network looks at.
        flat: Whether it has hardly any contrast; see `LEAST_CONTRAST`.
    """

    probabilities: np.ndarray
    enlarged: bool
    flat: bool


def of_both(positive: np.ndarray) -> np.ndarray:
    """Probabilities of the rest and the positive class, float64 [N, 2], from the latter's [N]."""
    positive = positive.astype(np.float64)
    return np.stack([1 - positive, positive], axis=1)


def score_files(
    model: TrainedModel, files: Sequence[Path], device: torch.device
) -> list[Scored | str]:
    """What a model says of some files, or why one cannot be used, in the files' order.

    Args:
        model: A diagnosis, on the device.
        files: So many as are held in memory at once.
        device: What it computes on.
    """
    read = read_files(model, files)
    found = [one for one in read if not isinstance(one, str)]
    if not found:
        return [one for one in read if isinstance(one, str)]
    batch = {name: one.to(device) for name, one in as_batch([one[0] for one in found]).items()}
    scores = model.scores(batch).cpu().numpy()
    probabilities = iter(of_both(scores) if scores.ndim == 1 else scores.astype(np.float64))
    return [
        one if isinstance(one, str) else _scored(model, one, next(probabilities)) for one in read
    ]


def read_files(model: TrainedModel, files: Sequence[Path]) -> list[Decoded | str]:
    """Each file as a model takes it, or the reason why it cannot be read."""
    read = partial(
        try_read,
        size=model.size,
        channels=model.channels,
        fit=model.config.fit,
        defaults=model.levels,
        spacing=model.manifest.spacing,
    )
    return list(in_threads(read, files))


def _scored(model: TrainedModel, image: Decoded, probabilities: np.ndarray) -> Scored | str:
    if not np.isfinite(probabilities).all():
        return "its score is no number"
    pixels, own = image
    flat = int(pixels.max()) - int(pixels.min()) < LEAST_CONTRAST
    return Scored(probabilities, scale(own, model.size, model.config.fit) > 1, flat)


def mean_of(ones: Sequence[Scored | str]) -> Scored | str:
    """The mean of what several models say of a file; the first reason where one cannot read it."""
    for one in ones:
        if isinstance(one, str):
            return one
    whole = [one for one in ones if not isinstance(one, str)]
    mean = np.mean([one.probabilities for one in whole], axis=0)
    return Scored(mean, any(one.enlarged for one in whole), any(one.flat for one in whole))
