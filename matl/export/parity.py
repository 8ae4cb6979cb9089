"""Whether an export scores as the model does, on the path that the model's own images take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from matl.errors import MatlError
from matl.export.graph import views_of
from matl.trained import TrainedModel
from matl.views import evaluation_views

BATCHES = (1, 2, 7)
LOGITS, PROBABILITIES = 1e-4, 1e-5
"""The largest differences that an export may have."""
SEED = 0
COARSE = 5
"""Cells along a side of what is drawn: chests are smooth, and fine noise is added."""

Scores = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Logits and probabilities of images float [B, C, H, W] in 0 to 255."""


@dataclass(frozen=True)
class Parity:
    """How near an export is to the model.

    Attributes:
        logits: The largest difference of a logit.
        probabilities: The largest difference of a probability.
        batches: The sizes of the batches.
        sizes: Height and width of the images, in pixels.
    """

    logits: float
    probabilities: float
    batches: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        sizes = " and ".join(f"{height} x {width}" for height, width in self.sizes)
        batches = ", ".join(map(str, self.batches))
        return (
            f"largest difference of logits {self.logits:.1e}, of probabilities "
            f"{self.probabilities:.1e} (images of {sizes} pixels, batches of {batches})"
        )


def check_parity(model: TrainedModel, scores: Scores, form: str) -> Parity:
    """Compares an export with the model that it is of.

    Images are drawn, written as files, and read and scored by the model as any file is; the export
    takes the same pixels.

    Args:
        model: A diagnosis.
        scores: The export.
        form: Its name, for the error.

    Raises:
        MatlError: It differs by more than `LOGITS` or `PROBABILITIES`, or not in numbers.
    """
    logits = probabilities = 0.0
    for pixels in _drawn(model):
        with torch.no_grad():
            found, wanted = scores(pixels), _own_scores(model, pixels)
        logits = max(logits, _difference(found[0], wanted[0]))
        probabilities = max(probabilities, _difference(found[1], wanted[1]))
    parity = Parity(logits, probabilities, BATCHES, _sizes(model))
    if not (parity.logits <= LOGITS and parity.probabilities <= PROBABILITIES):
        raise MatlError(
            f"--to {form}: refused, for it does not score as matl does: {parity}, where "
            f"{LOGITS:.0e} and {PROBABILITIES:.0e} are allowed; choose another form"
        )
    return parity


def _difference(one: Tensor, other: Tensor) -> float:
    if one.shape != other.shape:
        return float("inf")
    difference = float((one.double() - other.double()).abs().max())
    return difference if isfinite(difference) else float("inf")


def _sizes(model: TrainedModel) -> tuple[tuple[int, int], ...]:
    """An image that is made smaller, and one that is not; neither has the views' aspect."""
    height, width = model.size
    return (2 * height + height // 3, 3 * width - width // 4), (height + 3, width)


def _drawn(model: TrainedModel) -> Iterator[Tensor]:
    """Images of each size and batch, whole numbers in float32 [B, C, H, W]."""
    random = np.random.default_rng(SEED)
    for height, width in _sizes(model):
        for batch in BATCHES:
            cells = torch.from_numpy(random.random((batch, model.channels, COARSE, COARSE)))
            smooth = torch.nn.functional.interpolate(cells, (height, width), mode="bilinear")
            noise = torch.from_numpy(random.random(smooth.shape))
            yield torch.floor((0.8 * smooth + 0.2 * noise) * 256).float()


def _own_scores(model: TrainedModel, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The model's logits and probabilities of images that it reads from files."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(len(pixels))]
        for path, image in zip(paths, pixels.byte().numpy(), strict=True):
            Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(path)
        batch = model.read(paths)
    views = evaluation_views(
        batch["image"], model.stage.fitting, views_of(model.config), batch["extent"]
    )
    logits = torch.stack([model.stage(view).float() for view in views]).mean(0)
    return logits, model.scores(batch)
