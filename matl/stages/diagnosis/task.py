"""What matl asks of the task `diagnosis`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from data_modules.imports import load_object
from data_modules.samples import Samples
from matl.errors import SettingError
from matl.evaluation.joining import MEAN, check_join
from matl.stages.settings import StageConfig, setting
from matl.stages.task import Task
from matl.view_settings import TTA

if TYPE_CHECKING:
    from matl.stages.base import Stage

MULTI_CLASS = "matl.stages.diagnosis.multi_class:MultiClassStage"


@dataclass
class DiagnosisConfig(StageConfig):
    """The target's labels: the positive class against the rest, or every class (multi-class).

    Attributes:
        class_weights: `balanced` weighs the positive class by negatives / positives in training;
            multi-class, each class by the inverse of its frequency.
        label_smoothing: Share of the target moved towards one half; multi-class, spread over all
            classes.
        drop_rate: Dropout before the classifier.
        tta: The views that an image is scored in, whose probabilities are averaged: `none` takes
            one, `flip` adds its mirror image, `crops` takes three windows along the image.
        ordered: Every class from the mildest to the severest, where they have such an order: a
            multi-class diagnosis then also has a quadratic weighted kappa.
        join: How the scores of a study's or a patient's images become one: `mean`, `max`,
            `noisy_or`, or `top_3`, the mean of the 3 highest. Trains nothing again.
    """

    class_weights: str = setting("balanced", choices=("none", "balanced"))
    label_smoothing: float = setting(0.0, least=0.0, most=0.9, unit="share")
    drop_rate: float = setting(0.0, least=0.0, most=0.9, unit="probability")
    tta: str = setting("none", identity="where set", choices=TTA)
    ordered: list[str] = field(default_factory=list, metadata={"identity": False})
    join: str = setting(
        "mean", identity=False, values="`mean`, `max`, `noisy_or`, `top_` and a count"
    )


class Diagnosis(Task):
    """The target's positive class against the rest, or every class; ends a chain."""

    settings = DiagnosisConfig
    VERSION: ClassVar[int] = 1
    metric_names = ("val/auroc",)
    diagnoses = True
    module = "matl.stages.diagnosis.stage:DiagnosisStage"

    @classmethod
    def check_settings(cls, config: DiagnosisConfig, strides: Sequence[int]) -> None:
        """Windows along an image are there where it is cropped; scores can be joined."""
        try:
            check_join(config.join)
        except ValueError as error:
            raise SettingError(["join"], str(error)) from error
        if config.tta == "crops" and config.fit != "crop":
            raise SettingError(["tta"], f"crops needs fit=crop, and fit is {config.fit}")

    @classmethod
    def select(cls, samples: Samples, config: DiagnosisConfig) -> Samples:
        """The labelled images, of the positive class and of the rest; or of every class.

        Multi-class are three classes and more whose positive class is explicitly `null`; then the
        samples have none.
        """
        samples = super().select(samples, config)
        if samples.label_sets:
            raise SettingError(["data"], "a diagnosis needs one kind of classes in its union")
        if config.data.positive is not None or len(samples.classes) < 3 or samples.multi_label:
            samples = samples.against_rest()
        else:
            samples = replace(samples, positive=None)
            _check_means(config.join)
        if config.ordered:
            _check_order(config.ordered, samples)
        return samples

    @classmethod
    def check_images(cls, samples: Samples, config: DiagnosisConfig) -> None:
        """Every class needs training images, and some images must be held out."""
        super().check_images(samples, config)
        training = set(samples.table["label"][samples.table["split"] == "train"])
        absent = [label for label in samples.classes if label not in training]
        if absent:
            raise SettingError(["data"], f"no training image is of the class '{absent[0]}'")
        if (samples.table["split"] == "train").all():
            raise SettingError(["data"], "no image is held out to evaluate the diagnosis on")

    @classmethod
    def class_order(cls, config: DiagnosisConfig) -> Sequence[str]:
        """As the setting `ordered` says."""
        return config.ordered

    @classmethod
    def joining(cls, config: DiagnosisConfig) -> str:
        """As the setting `join` says."""
        return config.join

    @classmethod
    def facts(cls, samples: Samples, config: DiagnosisConfig) -> dict[str, Any]:
        """How many training images are of each class; whether validation has an AUROC."""
        labels, splits = samples.table["label"], samples.table["split"]
        training = labels[splits == "train"]
        ranks = labels[splits == "val"].nunique() == len(samples.classes)
        if samples.positive is None:
            counts = [int((training == one).sum()) for one in samples.classes]
            return {"counts": counts, "ranks_validation": ranks}
        positives = int((training == samples.positive).sum())
        return {
            "positives": positives,
            "negatives": len(training) - positives,
            "ranks_validation": ranks,
        }

    @classmethod
    def stage_class(cls, facts: Mapping[str, Any]) -> "type[Stage]":
        """The LightningModule of two classes, or of several; a subclass's own stays its own."""
        several = "counts" in facts and cls.module == Diagnosis.module
        return load_object(MULTI_CLASS) if several else super().stage_class(facts)


def _check_means(join: str) -> None:
    if join != MEAN:
        raise SettingError(
            ["join"],
            f"{join} is for two classes, and this diagnosis is multi-class: its probabilities are "
            f"joined by {MEAN}; leave it out",
        )


def _check_order(ordered: Sequence[str], samples: Samples) -> None:
    if samples.positive is not None:
        raise SettingError(
            ["ordered"],
            f"is for a multi-class diagnosis, and this one tells {samples.positive} from "
            f"{samples.classes[0]}; leave it out, or set data.positive to null where there are "
            "three classes or more",
        )
    if sorted(ordered) != sorted(samples.classes):
        raise SettingError(
            ["ordered"],
            f"lists {', '.join(ordered)}; list each class once: {', '.join(samples.classes)}",
        )
