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
        teacher: Momentum copies of `backbone` and of heads, where the method has a teacher; they
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
        followed = {name: self.heads[name] for name in method.teacher}
        if followed:
            followed["backbone"] = backbone
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

    def project(self, view: Tensor) -> Tensor:
        """The head `projection` of a view's features, float32 [B, D]."""
        features = self.features(view)
        with self.in_float32():
            return self.heads["projection"](features.float())

    @torch.no_grad()
    def teach(self, view: Tensor) -> Tensor:
        """What the teacher projects a view to, float32 [B, D], without a gradient."""
        features = self.teacher["backbone"](view)[self.backbone.last_stride].mean((2, 3))
        with self.in_float32():
            return self.teacher["projection"](features.float())

    def in_float32(self) -> torch.autocast:
        """A context without mixed precision: heads and losses are small, and divide by little."""
        return torch.autocast(self.device.type, enabled=False)

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """Takes a step; then the teacher follows."""
        step = self.global_step
        super().optimizer_step(*args, **options)
        for name, copied in self.teacher.items():
            original = self.backbone if name == "backbone" else self.heads[name]
            update_momentum(original, copied, self.method.keep(self.config, step, self._steps()))
