"""A contact sheet of the stages' images, as the networks see them."""

from pathlib import Path

import numpy as np
import torch

from data_modules.audit.overview import contact_sheet
from data_modules.formats.images import try_read
from data_modules.samples import Samples
from matl.config import Experiment
from matl.stages.settings import StageConfig, size_pair
from matl.views import Fitting, plain_view

SHEET_IMAGES = 16


def draw_sheet(experiment: Experiment, samples: dict[str, Samples], file: Path) -> None:
    """Draws some images of every stage, in the view in which they are evaluated, as a PNG file.

    A file that cannot be read leaves its place black, and its caption says so.

    Args:
        experiment: Whose stages.
        samples: Their images, by the stage's name.
        file: The PNG file.
    """
    images, captions = [], []
    for name, one in samples.items():
        config, files = experiment.stages[name], one.images()
        for place in np.linspace(0, len(one) - 1, min(SHEET_IMAGES, len(one))).astype(int):
            seen = _seen(files[place], config, experiment.backbone.in_channels)
            black = np.zeros((experiment.backbone.in_channels, *size_pair(config.size)), np.uint8)
            images.append(black if seen is None else seen)
            captions.append(f"{name} {'unreadable' if seen is None else one.table['label'][place]}")
    contact_sheet(images, captions, file)


def _seen(file: str, config: StageConfig, channels: int) -> np.ndarray | None:
    """The plain view of an image file, uint8 [C, h, w]; None where it cannot be read."""
    fitting = Fitting(size_pair(config.size), config.fit)
    decoded = try_read(file, fitting.size, channels, fitting.fit)
    if isinstance(decoded, str):
        return None
    [view] = plain_view(torch.from_numpy(decoded[0].copy())[None], fitting).image
    return (view * 255).round().byte().numpy()
