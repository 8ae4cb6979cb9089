"""The method `masked`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from matl.backbones import VERSION as BACKBONES
from matl.backbones.maps import library
from matl.errors import SettingError
from matl.kept import kept
from matl.stages.settings import setting, size_pair
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone, BackboneConfig
    from matl.stages.ssl.masking import Visible
    from matl.stages.ssl.stage import MethodStage

RULES = 1
"""Raised whenever `find_unmaskable` may give another answer."""


@dataclass
class MaskedConfig(LungSSLConfig):
    """Settings of `masked`.

    Attributes:
        hidden: Share of a view's patches that are hidden; their side is the network's last stride.
        decoder: Width of the decoder at the coarsest map, halved with each finer one.
    """

    hidden: float = setting(0.6, above=0.0, most=0.99)
    decoder: int = setting(256, least=8, unit="features")


class Masked(Method):
    """Restores hidden patches of a view from the visible ones, through all strides (SparK)."""

    settings = MaskedConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2301.03580"
    assumes = "views of many patches, each as wide as the network's last stride"
    passes = (1, 0)
    metric_names = ("masked/explained",)

    @classmethod
    def check_settings(cls, config: MaskedConfig, strides: Sequence[int]) -> None:
        """A view must consist of whole patches, two or more."""
        height, width = size_pair(config.size)
        patch = max(strides)
        if height % patch or width % patch or height * width < 2 * patch**2:
            message = (
                f"is no two or more whole patches of {patch} pixels, the network's last stride"
            )
            nearest = max(2, round(max(height, width) / patch)) * patch
            raise SettingError(["size"], f"{config.size} {message}; use {nearest}")

    @classmethod
    def check_network(cls, config: MaskedConfig, backbone: "BackboneConfig") -> None:
        """Every layer of the network must be one whose places can be hidden."""
        if operation := unmaskable(backbone.name):
            message = f"{backbone.name} joins hidden and visible places ({operation})"
            remedy = "use a network without, such as resnet50, densenet121 or tf_efficientnet_lite0"
            raise SettingError(["method"], f"masked cannot train it: {message}; {remedy}")

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: MaskedConfig, images: int
    ) -> "dict[str, nn.Module]":
        """What fills the hidden places of the maps and decodes them."""
        from matl.stages.ssl.masking import PatchRestorer

        outputs = backbone.in_channels
        return {"restorer": PatchRestorer(backbone.channels, config.decoder, outputs)}

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Mean squared error of the hidden patches, each normalised by itself."""
        from matl.stages.ssl.masking import masked_maps, patch_error

        [view] = stage.views(batch, count=1)
        visible = cls.draw_visible(stage, view)
        maps = masked_maps(stage.backbone, view, visible)
        restored = stage.heads["restorer"](maps, visible, view.shape[2:])
        error, of_mean = patch_error(restored, view, visible)
        stage.record("masked/explained", 1 - error / of_mean.clamp(min=1e-8), batch)
        return error

    @classmethod
    def draw_visible(cls, stage: "MethodStage", view: "Tensor") -> "Visible":
        """As many random patches of each view; at least one is visible, and one hidden."""
        import torch

        from matl.stages.ssl.masking import Visible

        config, share, generator = stage.config, stage.share, stage.method_generator()
        assert isinstance(config, MaskedConfig)
        rows, columns = (side // stage.backbone.last_stride for side in view.shape[2:])
        count = rows * columns
        shown = min(max(round(count * (1 - config.hidden)), 1), count - 1)
        drawn = torch.rand(len(view) * share.parts, count, generator=generator)
        seen = share.of(drawn).argsort(dim=1)[:, :shown]
        patches = torch.zeros(len(view), count, dtype=torch.bool).scatter(1, seen, value=True)
        return Visible(patches.view(-1, 1, rows, columns).to(view.device))


def unmaskable(name: str) -> str:
    """The operation of a network for which it cannot be masked, empty where there is none."""
    of = library(name)
    looked_with = f"rules {RULES}, matl {BACKBONES}, torch {version('torch')}"
    question = f"masking of {name}, {of} {version(of)}, {looked_with}"
    return str(kept(question, lambda: _look(name)))


def _look(name: str) -> str:
    from matl.stages.ssl.maskable import find_unmaskable

    return find_unmaskable(name)
