"""The method `dense_cl`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from matl.stages.settings import setting
from matl.stages.ssl.moco import MoCo, MoCoConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.info_nce import Term
    from matl.stages.ssl.stage import MethodStage


@dataclass
class DenseCLConfig(MoCoConfig):
    """Settings of `dense_cl`, besides those of `moco`.

    Attributes:
        dense: Weight of the places' term; that of the whole view has the rest.
    """

    dense: float = setting(0.5, least=0.0, most=1.0)


class DenseCL(MoCo):
    """As moco, and each place of a view agrees with the most similar place of its other view.

    Which place is most similar is asked of the backbones' last maps, which keep their size. The
    negatives of a place are the mean projected places of other scans; what is no negative, and the
    momentum, are as in `moco`. The term is on from the first step: the paper's first steps without
    it are less than a thousandth of its training.
    """

    settings = DenseCLConfig
    VERSION: ClassVar[int] = 1
    teacher = ("projection", "dense")
    paper = "https://arxiv.org/abs/2011.09157"
    assumes = "maps of several places: views of at least twice the last stride"
    metric_names = ("contrast/accuracy", "dense/accuracy")

    @classmethod
    def heads(  # type: ignore[override]
        cls, backbone: "AttentiveBackbone", config: DenseCLConfig, images: int
    ) -> "dict[str, nn.Module]":
        """Those of `moco` for whole views, and others for places."""
        from lightly.models.modules.heads import DenseCLProjectionHead

        from matl.stages.ssl.queue import KeyQueue

        width = backbone.num_features
        return super().heads(backbone, config, images) | {
            "dense": DenseCLProjectionHead(width, width, config.projection),
            "dense_queue": KeyQueue(min(config.queue, images // 4), config.projection),
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """InfoNCE of whole views and of their places; then the keys of both join their queues."""
        import torch

        from matl.stages.ssl.measures import spread

        first, second = stage.views(batch)
        last, weight = stage.backbone.last_stride, cast("DenseCLConfig", stage.config).dense
        seen = stage.backbone(first)[last].float()
        with torch.no_grad():
            taught = stage.teacher["backbone"](second)[last].float()
        with stage.in_float32():
            queries = stage.heads["projection"](seen.mean((2, 3)))
            with torch.no_grad():
                keys = stage.teacher["projection"](taught.mean((2, 3)))
            whole = cls.contrast(stage, "queue", queries, keys, keys, batch["index"])
            places = cls._contrast_places(stage, seen, taught, batch["index"])
        stage.record("contrast/accuracy", whole.accuracy, batch)
        stage.record("dense/accuracy", places.accuracy, batch)
        stage.record("spread", spread(queries), batch)
        return (1 - weight) * whole.loss + weight * places.loss

    @classmethod
    def _contrast_places(
        cls, stage: "MethodStage", seen: "Tensor", taught: "Tensor", scans: "Tensor"
    ) -> "Term":
        """InfoNCE of the places of maps, float32 [B, C, h, w] each."""
        import torch
        from lightly.models.utils import select_most_similar

        seen, taught = (one.flatten(2).transpose(1, 2) for one in (seen, taught))
        queries = stage.heads["dense"](seen)
        with torch.no_grad():
            keys = stage.teacher["dense"](taught)
            matched = select_most_similar(seen, taught, keys)
        flat = queries.flatten(0, 1), matched.flatten(0, 1)
        return cls.contrast(stage, "dense_queue", *flat, keys.mean(1), scans)
