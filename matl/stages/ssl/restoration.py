"""The method `restoration`."""

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
class RestorationConfig(LungSSLConfig):
    """Settings of `restoration`.

    Attributes:
        shuffle: Probability that the pixels of small windows of a view are shuffled.
        bend: Probability that a view's grey values are mapped by a random curve.
        paint: Probability that a part of a view is painted over with noise.
        outside: Probability that this part is what lies outside of some blocks, not inside.
        decoder: Width of the decoder at the coarsest map, halved with each finer one.
    """

    shuffle: float = setting(0.5, least=0.0, most=1.0, unit="probability")
    bend: float = setting(0.9, least=0.0, most=1.0, unit="probability")
    paint: float = setting(0.9, least=0.0, most=1.0, unit="probability")
    outside: float = setting(0.8, least=0.0, most=1.0, unit="probability")
    decoder: int = setting(256, least=8, unit="features")


class Restoration(Method):
    """Restores a view whose pixels were shuffled, bent or painted over (Models Genesis)."""

    settings = RestorationConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2004.07882"
    assumes = "grey values that mean the same in all scans, such as those of CT"
    passes = (1, 0)
    metric_names = ("restoration/removed",)

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: RestorationConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A decoder to pixels."""
        from matl.stages.ssl.decoder import Decoder

        return {"decoder": Decoder(backbone.channels, config.decoder, backbone.in_channels)}

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Mean squared error of the restored view; the share of the distortion's is recorded."""
        from torch.nn import functional as F

        [view] = stage.views(batch, count=1)
        distorted = cls.distort(stage, view)
        logits = stage.heads["decoder"](stage.backbone(distorted), view.shape[2:])
        error = F.mse_loss(logits.float().sigmoid(), view)
        before = F.mse_loss(distorted, view).clamp(min=1e-8)
        stage.record("restoration/removed", 1 - error / before, batch)
        return error

    @classmethod
    def distort(cls, stage: "MethodStage", view: "Tensor") -> "Tensor":
        """A view with each distortion or without, as the settings' probabilities say."""
        from matl.stages.ssl.distortions import Draw, distort

        config = stage.config
        assert isinstance(config, RestorationConfig)
        draw = Draw(stage.method_generator(), stage.share)
        return distort(view, draw, config.shuffle, config.bend, config.paint, config.outside)
