"""The images of a stage: selected by its task, decoded, with what the task derives from them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.cache import ImageCache, build_cache
from data_modules.registry import load
from data_modules.samples import Samples
from matl.config import Experiment
from matl.errors import SettingError
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig, size_pair

Progress = Callable[[int, int], None]


class Images:
    """A stage's readable images, decoded.

    Pickles as its folder, so that processes share the memory maps.

    Attributes:
        samples: One row per image.
        cache: The pixels, row by row.
        config: The stage's settings.
        derived: What the task derives from the images, uint8 [N, ...], by its key in a batch.
    """

    def __init__(self, samples: Samples, cache: ImageCache, config: StageConfig) -> None:
        self.samples, self.cache, self.config = samples, cache, config
        self.derived: dict[str, np.ndarray] = {
            one.key: cache.derived(one.name, one.version, one.extract)
            for one in task_of(config).derived(config)
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return Images, (self.samples, self.cache, self.config)


def select_images(experiment: Experiment, name: str) -> Samples:
    """The images of a stage, as its task may see them; no image is read.

    Raises:
        SettingError: Too little is left to train on, or the data does not suit the task.
        DataError: The data set is missing or wrong.
    """
    config = experiment.stages[name]
    task = task_of(config)
    try:
        samples = task.select(load(config.data, Path(experiment.data_root)), config)
        task.check_images(samples, config)
    except SettingError as error:
        raise error.under("stages", name) from error
    return samples


def open_images(
    experiment: Experiment,
    name: str,
    samples: Samples,
    progress: Progress | None = None,
) -> Images:
    """Opens a stage's decoded images; decodes them first where that was not done yet.

    Raises:
        DataError: Images cannot be read.
        SettingError: Too few of them can be.
    """
    config = experiment.stages[name]
    readable, cache = build_cache(
        samples,
        size_pair(config.size),
        experiment.backbone.in_channels,
        Path(experiment.cache),
        config.data.on_bad_image,
        progress,
    )
    try:
        task_of(config).check_images(readable, config)
    except SettingError as error:
        raise error.under("stages", name) from error
    return Images(readable, cache, config)
