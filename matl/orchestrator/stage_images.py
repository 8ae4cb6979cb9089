"""The images of a stage, decoded, with what its task derives from them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_modules.cache import ImageCache, build_cache
from data_modules.digest import files_digest
from data_modules.ragged import Ragged
from data_modules.samples import Samples
from matl.config import Experiment
from matl.errors import SettingError
from matl.files import disk_errors
from matl.orchestrator.plan import PlannedStage
from matl.stages.check import check_images, faults_of, notes_of
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig, size_pair
from matl.stages.task import Derived

Progress = Callable[[int, int], None]


class Images:
    """A stage's readable images, decoded.

    Pickles as its folder, so that processes share the memory maps.

    Attributes:
        samples: One row per image.
        cache: The pixels, row by row.
        config: The stage's settings.
        derived: What the task derives from the images, an array for each, by its key in a batch.
    """

    def __init__(self, samples: Samples, cache: ImageCache, config: StageConfig) -> None:
        self.samples, self.cache, self.config = samples, cache, config
        self.derived: dict[str, Ragged] = {
            one.key: _derive(one, samples, cache) for one in task_of(config).derived(config)
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return Images, (self.samples, self.cache, self.config)


def _derive(one: Derived, samples: Samples, cache: ImageCache) -> Ragged:
    if not one.column:
        return cache.derived(one.name, one.version, one.extract)
    files = samples.named_files(one.column)
    name = f"{one.name}-{files_digest(files, cache.folder.parent)}"
    return cache.derived(name, one.version, one.extract, files=files)


def open_images(
    experiment: Experiment, stage: PlannedStage, progress: Progress | None = None
) -> Images:
    """Opens a stage's decoded images; decodes them first where that was not done yet.

    Raises:
        DataError: Images cannot be read.
        SettingError: Too few of them can be.
        MatlError: The disk of the cache is full, read-only or gone.
    """
    config = stage.config
    with disk_errors(Path(experiment.cache)):
        readable, cache = build_cache(
            stage.samples,
            size_pair(config.size),
            experiment.backbone.in_channels,
            Path(experiment.cache),
            config.data.on_bad_image,
            progress,
            stage.content,
            config.fit,
        )
    try:
        check_images(stage.task, readable, config)
        with faults_of(stage.task, "an extract of derived"):
            images = Images(readable, cache, config)
        notes = notes_of(stage.task, images.derived, config)
        images.samples = replace(readable, notes=(*readable.notes, *notes))
        return images
    except SettingError as error:
        raise error.under("stages", stage.name) from error
