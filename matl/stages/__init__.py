"""The tasks, one LightningModule each."""

from typing import Any

import torch

from data_modules.samples import Samples
from matl.backbones import AttentiveBackbone
from matl.config.schema import StageConfig
from matl.stages.base import Stage
from matl.stages.diagnosis import DiagnosisStage
from matl.stages.lung_ssl import LungSSL
from matl.stages.source import LabelledSet, SourceStage

TASKS: dict[str, type[Stage]] = {
    "source": SourceStage,
    "lung_ssl": LungSSL,
    "diagnosis": DiagnosisStage,
}


def build_stage(
    config: StageConfig, backbone: AttentiveBackbone, seed: int, samples: Samples
) -> Stage:
    """The module of a stage, with what its task needs to know of the training images."""
    training = samples.subset(samples.table["split"] == "train")
    facts: dict[str, Any]
    if config.task == "source":
        facts = {"label_sets": label_sets(training)}
    elif config.task == "diagnosis":
        positives = int((training.table["label"] == samples.positive).sum())
        facts = {"positives": positives, "negatives": len(training) - positives}
        validation = samples.table["label"][samples.table["split"] == "val"]
        facts["ranks_validation"] = validation.nunique() == 2
    else:
        facts = {"images": len(samples)}
    return TASKS[config.task](backbone, config, seed, **facts)


def label_sets(training: Samples) -> dict[str, LabelledSet]:
    """The kinds of labels that a source stage learns, by name."""
    parts = {one.name: training.part(one) for one in training.label_sets}
    return {
        name: LabelledSet(torch.tensor(part.targets()), len(part.classes))
        for name, part in (parts or {"classes": training}).items()
    }


__all__ = ["TASKS", "DiagnosisStage", "LungSSL", "SourceStage", "Stage", "build_stage"]
