"""The method `jigsaw`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from matl.errors import SettingError
from matl.stages.settings import setting, size_pair
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone, BackboneConfig
    from matl.stages.ssl.stage import MethodStage

SIDE = 3
TILE, CELL = 64, 75
"""Sides of the paper's tiles, and of the cells that they are cut from at random places."""

LEAST_TILE = 32
"""Pixels of a side that every network takes; see `AttentiveBackbone.forward`."""


def tile_side(side: int) -> int:
    """The side of the tiles of an image's side, in pixels."""
    return side // SIDE * TILE // CELL


@dataclass
class JigsawConfig(LungSSLConfig):
    """Settings of `jigsaw`.

    Attributes:
        permutations: Orders of the nine tiles to distinguish.
        width: Of the head's layer that joins the tiles.
    """

    permutations: int = setting(1000, least=2, most=10_000)
    width: int = setting(4096, least=1, unit="features")


class Jigsaw(Method):
    """Tells in which order the nine tiles of a view are shown."""

    settings = JigsawConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/1603.09246"
    assumes = "scans in one posture whose parts differ, each in a ninth of the view"
    passes = (1, 0)  # nine tiles, which cover most of one view
    metric_names = ("jigsaw/accuracy",)
    references: ClassVar[Mapping[str, Mapping[str, str | float]]] = {
        "jigsaw/accuracy": {"chance": "jigsaw/chance"}
    }

    @classmethod
    def check_settings(cls, config: JigsawConfig, strides: Sequence[int]) -> None:
        """A tile must be large enough for the network."""
        side, least = min(size_pair(config.size)), max(LEAST_TILE, *strides)
        if tile_side(side) < least:
            enough = next(more for more in range(side, 1025) if tile_side(more) >= least)
            message = f"{side} pixels give tiles of {tile_side(side)}, below the network's {least}"
            raise SettingError(["size"], f"{message}; use at least {enough}")

    @classmethod
    def check_network(cls, config: JigsawConfig, backbone: "BackboneConfig") -> None:
        """The network must take images of a tile's size."""
        from matl.backbones import feature_maps

        if feature_maps(backbone.name).only_size:
            message = f"jigsaw shows tiles, and {backbone.name} takes images of one size only"
            raise SettingError(["method"], f"{message}; use another network or method")

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: JigsawConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A classifier of the permutations, which it holds."""
        from matl.stages.ssl.puzzle import PuzzleHead

        return {"puzzle": PuzzleHead(backbone.num_features, config.width, config.permutations)}

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Cross-entropy of the permutation of each view's tiles."""
        import torch
        from torch.nn import functional as F

        from matl.stages.ssl.puzzle import PuzzleHead, cut_tiles, normalize_tiles

        [view] = stage.views(batch, count=1)
        head, network = stage.heads["puzzle"], stage.backbone.network
        assert isinstance(head, PuzzleHead)
        count, generator, share = len(head.permutations), stage.method_generator(), stage.share
        drawn = torch.randint(count, (len(view) * share.parts,), generator=generator)
        answer = share.of(drawn).to(view.device)
        tiles = normalize_tiles(cut_tiles(view, generator, share))
        order = head.permutations[answer]
        shuffled = tiles[torch.arange(len(view), device=view.device)[:, None], order].flatten(0, 1)
        features = stage.features(shuffled * network.std + network.mean)
        logits = head(features.unflatten(0, order.shape)).float()
        accuracy = (logits.argmax(dim=1) == answer).float().mean()
        stage.record("jigsaw/accuracy", accuracy, batch)
        stage.record("jigsaw/chance", torch.full_like(accuracy, 1 / count), batch)
        return F.cross_entropy(logits, answer)
