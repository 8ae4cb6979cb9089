"""What matl asks of the task `diagnosis`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from data_modules.samples import Samples
from matl.errors import SettingError
from matl.stages.settings import StageConfig, setting
from matl.stages.task import Task


@dataclass
class DiagnosisConfig(StageConfig):
    """The target's labels: the positive class against the rest.

    Attributes:
        class_weights: `balanced` weighs the positive class by negatives / positives in training.
        label_smoothing: Share of the target moved towards one half.
        drop_rate: Dropout before the classifier.
    """

    class_weights: str = setting("balanced", choices=("none", "balanced"))
    label_smoothing: float = setting(0.0, least=0.0, most=0.9, unit="share")
    drop_rate: float = setting(0.0, least=0.0, most=0.9, unit="probability")


class Diagnosis(Task):
    """The target's positive class against the rest; ends a chain."""

    settings = DiagnosisConfig
    VERSION: ClassVar[int] = 1
    metric_names = ("val/auroc",)
    diagnoses = True
    module = "matl.stages.diagnosis.stage:DiagnosisStage"

    @classmethod
    def select(cls, samples: Samples, config: DiagnosisConfig) -> Samples:
        """The labelled images, of the positive class and of the rest."""
        samples = super().select(samples, config)
        if samples.label_sets:
            raise SettingError(["data"], "a diagnosis needs one kind of classes in its union")
        return samples.against_rest()

    @classmethod
    def check_images(cls, samples: Samples, config: DiagnosisConfig) -> None:
        """Both classes need training images, and some images must be held out."""
        super().check_images(samples, config)
        training = set(samples.table["label"][samples.table["split"] == "train"])
        absent = [label for label in samples.classes if label not in training]
        if absent:
            raise SettingError(["data"], f"no training image is of the class '{absent[0]}'")
        if (samples.table["split"] == "train").all():
            raise SettingError(["data"], "no image is held out to evaluate the diagnosis on")

    @classmethod
    def facts(cls, samples: Samples, config: DiagnosisConfig) -> dict[str, Any]:
        """How many training images are of each class; whether validation has an AUROC."""
        labels, splits = samples.table["label"], samples.table["split"]
        training = labels[splits == "train"]
        positives = int((training == samples.positive).sum())
        return {
            "positives": positives,
            "negatives": len(training) - positives,
            "ranks_validation": labels[splits == "val"].nunique() == 2,
        }
