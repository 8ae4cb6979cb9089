"""The method `vicreg`."""

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
class VICRegConfig(LungSSLConfig):
    """Settings of `vicreg`.

    Attributes:
        invariance: Weight of the distance between the views of a scan.
        variance: Weight of the term that keeps the standard deviation of every feature at 1.
        covariance: Weight of the term that keeps features uncorrelated.
        projection: Width of all three layers of the projection head.
    """

    invariance: float = setting(25.0, least=0.0)
    variance: float = setting(25.0, least=0.0)
    covariance: float = setting(1.0, least=0.0)
    projection: int = setting(2048, least=2, unit="features")


class VICReg(Method):
    """Two views of a scan agree, while every feature varies over the batch and tells something new.

    The projection is 2,048 wide, four times ResNet-18's features, as the paper's 8,192 is of
    ResNet-50's: a batch of some dozen scans says little of 8,192 features' covariance. Variance
    and covariance are over the scans of all processes.
    """

    settings = VICRegConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2105.04906"
    assumes = "batches large enough for the variance and covariance of features"
    passes = (2, 0)
    metric_names = ("retrieval",)
    smaller_batch = "variance and covariance are of fewer scans"

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: VICRegConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A projection, and the three terms."""
        from lightly.loss import VICRegLoss
        from lightly.models.modules.heads import VICRegProjectionHead

        weights = config.invariance, config.variance, config.covariance
        width = config.projection
        return {
            "projection": VICRegProjectionHead(backbone.num_features, width, width),
            "loss": VICRegLoss(*weights, gather_distributed=True),
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Invariance, variance and covariance of two views."""
        from matl.stages.ssl.measures import retrieval, spread

        first, second = (stage.project(view) for view in stage.views(batch))
        with stage.in_float32():
            loss = stage.heads["loss"](first, second)
            stage.record("retrieval", retrieval(first, second), batch)
        stage.record("spread", spread(first), batch)
        return loss
