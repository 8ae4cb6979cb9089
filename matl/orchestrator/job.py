"""One stage to be trained: plain data for whichever process trains it, and what it is made of."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data_modules.cache import ImageCache, build_cache
from data_modules.module import ImageDataModule
from data_modules.samples import Samples
from matl import lungs
from matl.backbones import AttentiveBackbone, build_backbone, carry, load_state, read_weights
from matl.config.check import size_pair
from matl.config.schema import Experiment, LungSSLConfig
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.resources import Resources
from matl.orchestrator.stage_samples import training_images, training_splits
from matl.stages import Stage, build_stage


@dataclass(frozen=True)
class Job:
    """Everything that the training of one stage needs; it can be pickled.

    Attributes:
        experiment: the whole experiment.
        stage: the stage to train.
        resources: where it is trained.
        parent_weights: file of the backbone that it begins from, or None.
        workspace: folder of its checkpoints.
        group: W&B group: the run that all stages belong to.
        place: the stage's place among those that this run trains, from 1, and their number.
        checkpoint: what training goes on from, the same in all processes; None at a stage's start.
    """

    experiment: Experiment
    stage: PlannedStage
    resources: Resources
    parent_weights: Path | None
    workspace: Path
    group: str
    place: tuple[int, int]
    checkpoint: Path | None = None


@dataclass(frozen=True)
class Images:
    """A stage's readable images, decoded, with what is derived from them."""

    samples: Samples
    cache: ImageCache
    derived: dict[str, np.ndarray]


def open_images(
    experiment: Experiment,
    stage: PlannedStage,
    progress: Callable[[int, int], None] | None = None,
) -> Images:
    """Opens a stage's decoded images; decodes them first where that was not done yet.

    Raises:
        DataError: images cannot be read.
    """
    config = stage.config
    samples, cache = build_cache(
        stage.samples,
        size_pair(config.size),
        experiment.backbone.in_channels,
        Path(experiment.cache),
        config.data.on_bad_image,
        progress,
    )
    derived: dict[str, np.ndarray] = {}
    if isinstance(config, LungSSLConfig):
        name = f"regions-{config.regions}-{config.fields}"
        cut = partial(lungs.region_map, regions=config.regions, fields=config.fields)
        derived["regions"] = cache.derived(name, lungs.VERSION, cut)
    return Images(samples, cache, derived)


def data_module(job: Job, images: Images, rank: int) -> ImageDataModule:
    """Batches of the stage for one process."""
    config = job.stage.config
    training = len(training_images(images.samples, config))
    return ImageDataModule(
        images.samples,
        images.cache,
        batch_size=config.batch_size,
        seed=job.experiment.seed,
        task=config.task,
        derived=images.derived,
        train_splits=training_splits(config),
        drop_last=bool(training >= config.batch_size),
        evenness=getattr(config, "evenness", 0.0),
        rank=rank,
        world_size=job.resources.processes,
    )


def stored_backbone(experiment: Experiment, weights: Path) -> AttentiveBackbone:
    """The backbone with the weights that a stage left.

    Raises:
        MatlError: the weights do not fit the experiment's network.
    """
    settings = dataclasses.replace(experiment.backbone, weights=None)
    backbone = build_backbone(settings, experiment.seed)
    state, _ = read_weights(weights)
    load_state(backbone, state, heads=()).raise_if_bad()
    return backbone


def initial_stage(job: Job, samples: Samples) -> Stage:
    """The stage before its first step: the chain's first backbone, with what the parent left."""
    experiment = job.experiment
    transfer, settings = job.stage.config.transfer, experiment.backbone
    if job.parent_weights and transfer == "all":
        settings = dataclasses.replace(settings, weights=None)
    backbone = build_backbone(settings, experiment.seed)
    if job.parent_weights:
        state, _ = read_weights(job.parent_weights)
        carry(backbone, state, transfer, experiment.seed)
    return build_stage(job.stage.config, backbone, experiment.seed, samples)
