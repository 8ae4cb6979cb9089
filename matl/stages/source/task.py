"""What matl asks of the task `source`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from data_modules.samples import Samples, split_label
from matl.errors import SettingError
from matl.stages.settings import StageConfig, setting
from matl.stages.task import Task


@dataclass
class SourceConfig(StageConfig):
    """Labels of another domain, single-label or multi-label.

    Attributes:
        class_weights: `balanced` weighs a class by the inverse of its training frequency.
        label_smoothing: Share of the target spread over all classes.
        mixup: Alpha of mixup's Beta distribution (timm); 0 turns it off.
        evenness: How a union is sampled: 0 by size, 1 alike from each kind of classes (or from each
            data set, where all have the same), between them in proportion to size^(1 - evenness),
            which is sampling at the temperature 1 / (1 - evenness).
    """

    class_weights: str = setting("none", choices=("none", "balanced"))
    label_smoothing: float = setting(0.0, least=0.0, most=0.9, unit="share")
    mixup: float = setting(0.0, least=0.0)
    evenness: float = setting(0.0, least=0.0, most=1.0)


class Source(Task):
    """Supervised classification of other images, with a head for each kind of labels."""

    settings = SourceConfig
    VERSION: ClassVar[int] = 2
    metric_names = ("val/accuracy", "val/auroc", "val/mean")
    module = "matl.stages.source.stage:SourceStage"

    @classmethod
    def check_images(cls, samples: Samples, config: SourceConfig) -> None:
        """Each kind of labels needs two classes to train on, and val images that can be scored."""
        super().check_images(samples, config)
        for part in _label_sets(samples).values():
            training = part.table["label"][part.table["split"] == "train"].nunique()
            source = part.table["source"].iloc[0] if len(part) else samples.root.name
            if part.multi_label and len(part.classes) < 2:
                raise SettingError(
                    ["data"],
                    f"{source} has one label, {part.classes[0]!r}; write a second class for the "
                    "images without it",
                )
            if training < 2:
                raise SettingError(
                    ["data"],
                    f"the training images of {source} are of {training} class; a source needs 2",
                )
            if part.multi_label and _cannot_be_ranked(part):
                raise SettingError(
                    ["data"],
                    f"no class of {source} is present in some val images and absent in others, so "
                    "that no AUROC can be computed; give val more images",
                )
        if config.evenness > 0 and samples.table["source"].nunique() < 2:
            raise SettingError(["evenness"], "needs a union of data sets")

    @classmethod
    def evenness(cls, config: SourceConfig) -> float:
        """As the setting of that name says."""
        return config.evenness

    @classmethod
    def facts(cls, samples: Samples, config: SourceConfig) -> dict[str, Any]:
        """The kinds of labels by name; see `LabelHead`."""
        training = samples.subset(samples.table["split"] == "train")
        return {"labels": {name: _facts(part) for name, part in _label_sets(training).items()}}


def _cannot_be_ranked(part: Samples) -> bool:
    """Whether the labelled val images, where there are any, all have the same classes."""
    held_out = part.table["split"] == "val"
    labels = part.table["label"][held_out & (part.table["label"] != "")]
    return len(labels) > 0 and len({frozenset(split_label(label)) for label in labels}) == 1


def _label_sets(samples: Samples) -> dict[str, Samples]:
    parts = {one.name: samples.part(one) for one in samples.label_sets}
    return parts or {"classes": samples}


def _facts(part: Samples) -> dict[str, Any]:
    return {
        "classes": list(part.classes),
        "multi_label": part.multi_label,
        "images": len(part),
        "counts": _counts(part.targets(), len(part.classes)),
    }


def _counts(targets: np.ndarray, classes: int) -> Sequence[int]:
    """How many images are of each class."""
    if targets.ndim == 2:
        return [int(count) for count in targets.sum(0)]
    return np.bincount(targets, minlength=classes).tolist()
