"""The method `byol`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from matl.stages.settings import setting
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.stage import MethodStage


@dataclass
class BYOLConfig(LungSSLConfig):
    """Settings of `byol`.

    Attributes:
        momentum: The share of itself that the teacher keeps at the first step; it rises to 1 by a
            cosine.
        projection: Width of the output of both heads, projection and prediction.
    """

    momentum: float = setting(0.996, least=0.0, most=1.0)
    projection: int = setting(256, least=2, unit="features")


class BYOL(Method):
    """Each view of a scan predicts what a momentum teacher makes of its other view.

    The hidden layers of the heads are twice as wide as the features, as the paper's 4,096 of
    ResNet-50's 2,048.
    """

    settings = BYOLConfig
    VERSION: ClassVar[int] = 1
    teacher = ("projection",)
    paper = "https://arxiv.org/abs/2006.07733"
    assumes = "nothing of other scans; batch norm in the heads keeps it from collapse"
    passes = (2, 2)
    metric_names = ("retrieval",)

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: BYOLConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A projection, and a prediction of the teacher's."""
        from lightly.loss import NegativeCosineSimilarity
        from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead

        width, hidden = config.projection, 2 * backbone.num_features
        return {
            "projection": BYOLProjectionHead(backbone.num_features, hidden, width),
            "prediction": BYOLPredictionHead(width, hidden, width),
            "loss": NegativeCosineSimilarity(),
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Squared distance of unit vectors, summed over both directions: 0 to 8."""
        from matl.stages.ssl.measures import retrieval, spread

        views = stage.views(batch)
        first, second = (stage.project(view) for view in views)
        first_target, second_target = (stage.teach(view) for view in views)
        predict, similarity = stage.heads["prediction"], stage.heads["loss"]
        with stage.in_float32():
            first, second = predict(first), predict(second)
            loss = 4 + 2 * (similarity(first, second_target) + similarity(second, first_target))
            stage.record("retrieval", retrieval(first, second_target), batch)
        stage.record("spread", spread(first), batch)
        return loss

    @classmethod
    def keep(cls, config: BYOLConfig, step: int, steps: int) -> float:
        """Rises from `momentum` to 1 by a cosine."""
        from lightly.utils.scheduler import cosine_schedule

        return cosine_schedule(step, steps, config.momentum, 1.0)
