"""The method `simclr`."""

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
class SimCLRConfig(LungSSLConfig):
    """Settings of `simclr`.

    Attributes:
        temperature: What similarities are divided by.
        projection: Width of the projection head's output.
    """

    temperature: float = setting(0.1, above=0.0)
    projection: int = setting(128, least=2, unit="features")


class SimCLR(Method):
    """Two views of a scan agree against all other views of the batch.

    Negatives are the views of other scans, those of the same patient too, as in the paper; a
    batch holds no scan twice. Of several processes they come from all.
    """

    settings = SimCLRConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2002.05709"
    assumes = "large batches: their other scans are the negatives"
    passes = (2, 0)
    metric_names = ("contrast/accuracy",)
    smaller_batch = "each scan is contrasted with fewer others"

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: SimCLRConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A projection, and the contrast of the batch."""
        from lightly.loss import NTXentLoss
        from lightly.models.modules.heads import SimCLRProjectionHead

        width = backbone.num_features
        return {
            "projection": SimCLRProjectionHead(width, width, config.projection),
            "loss": NTXentLoss(config.temperature, gather_distributed=True),
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """NT-Xent of two views."""
        from matl.stages.ssl.measures import retrieval, spread

        first, second = (stage.project(view) for view in stage.views(batch))
        with stage.in_float32():
            loss = stage.heads["loss"](first, second)
            stage.record("contrast/accuracy", retrieval(first, second), batch)
        stage.record("spread", spread(first), batch)
        return loss
