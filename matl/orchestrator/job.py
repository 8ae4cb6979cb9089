"""One stage to be trained: plain data for whichever process trains it, and what it is made of."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from data_modules.module import ImageDataModule
from matl.backbones import AttentiveBackbone, build_backbone, carry, read_weights
from matl.config import Experiment
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.resources import Resources
from matl.orchestrator.stage_images import Images
from matl.stages.base import Stage


@dataclass(frozen=True)
class Job:
    """Everything that the training of one stage needs; it can be pickled.

    Attributes:
        experiment: The whole experiment.
        stage: The stage to train.
        resources: Where it is trained.
        images: Its images, decoded.
        parent_weights: File of the backbone that it begins from, or None.
        workspace: Folder of its checkpoints.
        group: W&B group: the run that all stages belong to.
        place: The stage's place among those that this run trains, from 1, and their number.
        checkpoint: What training resumes from, the same in all processes; None at a stage's start.
    """

    experiment: Experiment
    stage: PlannedStage
    resources: Resources
    images: Images
    parent_weights: Path | None
    workspace: Path
    group: str
    place: tuple[int, int]
    checkpoint: Path | None = None


def data_module(job: Job, rank: int) -> ImageDataModule:
    """Batches of the stage for one process."""
    config, task, samples = job.stage.config, job.stage.task, job.images.samples
    splits = task.training_splits(config)
    training = int(samples.table["split"].isin(splits).sum())
    return ImageDataModule(
        samples,
        job.images.cache,
        batch_size=config.batch_size,
        seed=job.stage.seed,
        task=config.task,
        derived=job.images.derived,
        train_splits=splits,
        drop_last=training >= config.batch_size,
        evenness=task.evenness(config),
        rank=rank,
        world_size=job.resources.processes,
    )


def initial_stage(job: Job) -> Stage:
    """The stage before its first step: the chain's first backbone, with what the parent left."""
    config, task, seed = job.stage.config, job.stage.task, job.stage.seed
    backbone = initial_backbone(job.experiment, job.parent_weights, config.transfer, seed)
    facts = task.facts(job.images.samples, config)
    return task.stage_class(facts)(backbone, config, seed, **facts)


def initial_backbone(
    experiment: Experiment, parent_weights: Path | None, transfer: str, seed: int
) -> AttentiveBackbone:
    """What a stage begins from.

    Args:
        experiment: Whose network.
        parent_weights: File of the backbone that the stage before left, or None.
        transfer: Which of these weights are carried over.
        seed: Draws the others.
    """
    settings = experiment.backbone
    if parent_weights and transfer == "all":
        settings = dataclasses.replace(settings, weights=None)
    backbone = build_backbone(settings, seed)
    if parent_weights:
        state, _ = read_weights(parent_weights)
        carry(backbone, state, transfer, seed)
    return backbone
