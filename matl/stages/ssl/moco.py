"""The method `moco`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from matl.stages.settings import setting
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.info_nce import Term
    from matl.stages.ssl.queue import KeyQueue
    from matl.stages.ssl.stage import MethodStage


@dataclass
class MoCoConfig(LungSSLConfig):
    """Settings of `moco`.

    Attributes:
        temperature: What similarities are divided by.
        momentum: Of the key encoder: the share that it keeps of itself at each step.
        queue: Keys kept as negatives, never more than a quarter of the training images.
        projection: Width of the projection head's output.
    """

    temperature: float = setting(0.2, above=0.0)
    momentum: float = setting(0.99, least=0.0, most=1.0)
    queue: int = setting(65536, least=1, unit="keys")
    projection: int = setting(128, least=2, unit="features")


class MoCo(Method):
    """A view of a scan agrees with its other view against a queue of other scans' keys.

    MoCo v2. Keys of the same patient's other scans are negatives, as in the paper; those of the
    query's own scan are not, as in `multi_scale`. The momentum is that of the authors' runs on
    CIFAR-10: with the 0.999 of a million steps the key encoder would lag by a quarter of a few
    thousand. One device has nothing to shuffle batches among; several normalise jointly.
    """

    settings = MoCoConfig
    VERSION: ClassVar[int] = 1
    teacher: ClassVar[tuple[str, ...]] = ("projection",)
    paper = "https://arxiv.org/abs/2003.04297"
    assumes = "different scans show different things: each is contrasted with all others"
    passes = (1, 1)
    metric_names: ClassVar[tuple[str, ...]] = ("contrast/accuracy",)
    smaller_batch = "the queue stays the same"
    least_images = 4  # a quarter of them are kept as negatives

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: MoCoConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A projection, whose hidden layer is as wide as the features, and the queue."""
        from lightly.models.modules.heads import MoCoProjectionHead

        from matl.stages.ssl.queue import KeyQueue

        width = backbone.num_features
        return {
            "projection": MoCoProjectionHead(width, width, config.projection),
            "queue": KeyQueue(min(config.queue, images // 4), config.projection),
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """InfoNCE of one view and the teacher's other one; then its keys join the queue."""
        from matl.stages.ssl.measures import spread

        first, second = stage.views(batch)
        queries, keys = stage.project(first), stage.teach(second)
        with stage.in_float32():
            term = cls.contrast(stage, "queue", queries, keys, keys, batch["index"])
        stage.record("contrast/accuracy", term.accuracy, batch)
        stage.record("spread", spread(queries), batch)
        return term.loss

    @classmethod
    def contrast(
        cls,
        stage: "MethodStage",
        queue: str,
        queries: "Tensor",
        keys: "Tensor",
        stored: "Tensor",
        scans: "Tensor",
    ) -> "Term":
        """InfoNCE against the other scans' keys in a queue; then those of this batch join it.

        Autocast must be off.

        Args:
            stage: The stage.
            queue: The name of the queue among the heads.
            queries: float32 [B * N, D], N of each scan, one scan after the other.
            keys: float32 [B * N, D], the positive of each query.
            stored: float32 [B, D], what joins the queue.
            scans: int64 [B].
        """
        import torch

        from matl.stages.processes import of_all_processes
        from matl.stages.ssl.info_nce import queue_loss

        temperature = cast("MoCoConfig", stage.config).temperature
        held = cast("KeyQueue", stage.heads[queue])
        negatives = held.negatives(scans, scans).repeat_interleave(len(queries) // len(scans), 0)
        everyone = torch.ones(len(queries), dtype=torch.bool, device=queries.device)
        term = queue_loss(queries, keys, everyone, held.keys.clone(), negatives, temperature)
        held.push(*map(of_all_processes, (stored, scans, scans)))
        return term

    @classmethod
    def keep(cls, config: MoCoConfig, step: int, steps: int) -> float:
        """The same share at every step."""
        return config.momentum
