"""The method `rotation`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from matl.errors import SettingError
from matl.stages.settings import size_pair
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.stage import MethodStage

TURNS = 4


@dataclass
class RotationConfig(LungSSLConfig):
    """Settings of `rotation`: it has none of its own."""


class Rotation(Method):
    """Tells by how many quarter turns a view was turned; each view is shown in all four."""

    settings = RotationConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/1803.07728"
    assumes = "scans that are all upright, and anatomy that has to be understood to see it"
    passes = (TURNS, 0)
    metric_names = ("rotation/accuracy",)
    references: ClassVar[Mapping[str, Mapping[str, str | float]]] = {
        "rotation/accuracy": {"chance": 1 / TURNS}
    }

    @classmethod
    def check_settings(cls, config: RotationConfig, strides: Sequence[int]) -> None:
        """A quarter turn must keep a view's shape, and differ from the rotation of views."""
        height, width = size_pair(config.size)
        if height != width:
            message = f"[{height}, {width}] is no square: its shape would tell a quarter turn"
            raise SettingError(["size"], f"{message}; write size: {max(height, width)}")
        if config.views.rotate >= 45:
            message = f"{config.views.rotate:g} degrees can be taken for a quarter turn"
            raise SettingError(["views", "rotate"], f"{message}; write less than 45")

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: RotationConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A linear classifier of the turns."""
        from torch import nn

        return {"turn": nn.Linear(backbone.num_features, TURNS)}

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Cross-entropy of the turn, over four turns of one view of each scan."""
        import torch
        from torch.nn import functional as F

        [view] = stage.views(batch, count=1)
        turned = torch.cat([torch.rot90(view, turn, (2, 3)) for turn in range(TURNS)])
        turns = torch.arange(TURNS, device=view.device).repeat_interleave(len(view))
        logits = stage.heads["turn"](stage.features(turned)).float()
        accuracy = (logits.argmax(dim=1) == turns).float().mean()
        stage.record("rotation/accuracy", accuracy, batch)
        return F.cross_entropy(logits, turns)
