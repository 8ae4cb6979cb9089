"""The LightningModule of the methods that stand in one file each."""

import copy
from typing import Any

import torch
from lightly.models.utils import deactivate_requires_grad, update_momentum
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone
from matl.seeding import generator, seeded
from matl.stages.base import Stage
from matl.stages.ssl.method import Method
from matl.stages.ssl.task import LungSSL, LungSSLConfig


class MethodStage(Stage):
    """Trains the backbone by the loss of its method; heads and teacher stay behind.

    Args:
        backbone: Trained in place.
        config: The stage's settings, which name the method.
        seed: The experiment's seed.
        images: How many there are to train on.

    Attributes:
        method: What is learned.
        teacher: Momentum copies of `backbone` and `heads`, where the method has a teacher; they
            normalise by their own batches.
    """

    config: LungSSLConfig

    def __init__(
        self, backbone: AttentiveBackbone, config: LungSSLConfig, seed: int, images: int
    ) -> None:
        super().__init__(backbone, config, seed)
        method = LungSSL.chosen({"method": config.method})
        assert issubclass(method, Method)
        self.method = method
        with seeded(seed, f"{config.task}.{config.method}.heads"):
            self.heads = nn.ModuleDict(method.heads(backbone, config, images))
        if method.teacher:
            followed = {"backbone": backbone, "heads": self.heads}
            self.teacher = nn.ModuleDict(copy.deepcopy(followed))
            deactivate_requires_grad(self.teacher)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """The loss of the method."""
        return self.method.loss(self, batch)

    def views(self, batch: dict[str, Tensor], count: int = 2) -> list[Tensor]:
        """Independent random views of a batch, float32 [B, C, h, w] in [0, 1] each."""
        generator = self.view_generator()
        drawn = [self.draw_view(batch, self.config.views, generator) for _ in range(count)]
        return [view.image for view in drawn]

    def method_generator(self) -> torch.Generator:
        """Generator of what the method draws in this step beside its views, as `view_generator`."""
        return generator(self.seed, self.config.task, self.config.method, *self._place())

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """Takes a step; then the teacher follows."""
        super().optimizer_step(*args, **options)
        if self.method.teacher:
            kept = self.method.keep(self.config, self.global_step / self._steps())
            update_momentum(self.backbone, self.teacher["backbone"], kept)
            update_momentum(self.heads, self.teacher["heads"], kept)
