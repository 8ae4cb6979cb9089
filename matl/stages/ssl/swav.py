"""The method `swav`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from matl.stages.settings import setting
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSLConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matl.backbones import AttentiveBackbone
    from matl.stages.ssl.queue import KeyQueue
    from matl.stages.ssl.stage import MethodStage

QUEUES = ("first_queue", "second_queue")


@dataclass
class SwAVConfig(LungSSLConfig):
    """Settings of `swav`.

    Attributes:
        temperature: What similarities to prototypes are divided by in the prediction.
        epsilon: What similarities are divided by in the codes; a smaller one sharpens them.
        prototypes: Number of prototypes.
        frozen_epochs: Epochs at the start in which the prototypes are not trained.
        queue: Earlier projections of each view that codes are balanced over besides the batch,
            never more than a quarter of the training images.
        queue_from: Share of the epochs after which the queue is used.
        projection: Width of the projection head's output.
    """

    temperature: float = setting(0.1, above=0.0)
    epsilon: float = setting(0.05, least=0.02)
    prototypes: int = setting(100, least=2)
    frozen_epochs: int = setting(1, least=0, unit="epochs")
    queue: int = setting(3840, least=1, unit="projections")
    queue_from: float = setting(0.075, least=0.0, most=1.0, unit="share of the epochs")
    projection: int = setting(128, least=2, unit="features")


class SwAV(Method):
    """A view predicts the code of its other view: its balanced assignment to prototypes.

    No multi-crop: all methods have the same two views. 100 prototypes in the place of 3,000: codes
    balance a batch and the queue, which hold a third more images than prototypes then as in the
    paper. The queue is used after 15 of 200 epochs, as in the paper's small batches, and never in
    the first, in which it fills. There are no negatives; a scan's own earlier projection in the
    queue only shares the balance. Of several processes the batch and the queue are balanced as one.
    """

    settings = SwAVConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2006.09882"
    assumes = "scans fall into groups of about equal size"
    passes = (2, 0)
    unused_parameters: ClassVar[bool] = True  # while prototypes are frozen
    metric_names = ("retrieval",)
    smaller_batch = "codes are balanced over fewer scans"
    least_images = 4  # a quarter of them are kept in the queue

    @classmethod
    def heads(
        cls, backbone: "AttentiveBackbone", config: SwAVConfig, images: int
    ) -> "dict[str, nn.Module]":
        """A projection, prototypes without a bias, and a queue for each of the two views."""
        from lightly.loss import SwaVLoss
        from lightly.models.modules.heads import SwaVProjectionHead, SwaVPrototypes

        from matl.stages.ssl.queue import KeyQueue

        width, size = backbone.num_features, min(config.queue, images // 4)
        prototypes = SwaVPrototypes(config.projection, config.prototypes, config.frozen_epochs)
        prototypes.heads[0].register_parameter("bias", None)  # similarities, as in the paper
        return {
            "projection": SwaVProjectionHead(width, width, config.projection),
            "prototypes": prototypes,
            "loss": SwaVLoss(
                config.temperature,
                sinkhorn_epsilon=config.epsilon,
                sinkhorn_gather_distributed=True,
            ),
            **{name: KeyQueue(size, config.projection) for name in QUEUES},
        }

    @classmethod
    def loss(cls, stage: "MethodStage", batch: "dict[str, Tensor]") -> "Tensor":
        """Cross-entropy of each view's prediction and the other view's code."""
        from matl.stages.processes import of_all_processes
        from matl.stages.ssl.info_nce import unit
        from matl.stages.ssl.measures import retrieval, spread

        prototypes: Any = stage.heads["prototypes"]
        scans = batch["index"]
        projected = [unit(stage.project(view)) for view in stage.views(batch)]
        with stage.in_float32():
            prototypes.normalize()
            similar = [prototypes(one, stage.current_epoch) for one in projected]
            loss = stage.heads["loss"](similar, [], cls._queued(stage))[0]
            stage.record("retrieval", retrieval(*projected), batch)
        for name, one in zip(QUEUES, projected, strict=True):
            queue = cast("KeyQueue", stage.heads[name])
            queue.push(*map(of_all_processes, (one.detach(), scans, scans)))
        stage.record("spread", spread(projected[0]), batch)
        return loss

    @classmethod
    def _queued(cls, stage: "MethodStage") -> "list[Tensor] | None":
        """Similarities of this process's part of the queues, once they are used."""
        import torch

        from matl.stages.processes import own_part

        config = cast("SwAVConfig", stage.config)
        if stage.current_epoch < max(1, config.queue_from * config.epochs):
            return None
        prototypes, epoch = stage.heads["prototypes"], stage.current_epoch
        queues = [cast("KeyQueue", stage.heads[name]).keys for name in QUEUES]
        with torch.no_grad():
            return [prototypes(own_part(keys), epoch) for keys in queues]
