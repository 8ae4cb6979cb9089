"""The task `source`: labels of another domain."""

from typing import ClassVar

import torch.nn.functional as F
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy, MultilabelAUROC

from matl.backbones import AttentiveBackbone
from matl.config.schema import SourceConfig
from matl.seeding import draw_by_name
from matl.stages.base import Stage, class_weights
from matl.views import plain_view, random_view


class SourceStage(Stage):
    """Supervised classification, single-label or multi-label, with a linear head.

    Args:
        backbone: trained in place.
        config: the stage's settings.
        seed: the experiment's seed.
        targets: the training labels: int64 [N] class numbers, or float32 [N, classes] of 0 and 1.
        classes: number of classes.
    """

    VERSION: ClassVar[int] = 1
    metric_names = ("val/accuracy", "val/auroc")
    config: SourceConfig
    weights: Tensor | None

    def __init__(
        self,
        backbone: AttentiveBackbone,
        config: SourceConfig,
        seed: int,
        targets: Tensor,
        classes: int,
    ) -> None:
        super().__init__(backbone, config, seed)
        self.multi_label = targets.ndim == 2
        self.heads = nn.ModuleDict({"classes": nn.Linear(backbone.num_features, classes)})
        draw_by_name(self.heads, seed, f"{config.task}.heads")
        weights = class_weights(targets, classes) if config.class_weights == "balanced" else None
        self.register_buffer("weights", weights, persistent=False)
        self.mixup = None
        if config.mixup > 0:
            self.mixup = Mixup(
                mixup_alpha=config.mixup,
                label_smoothing=config.label_smoothing,
                num_classes=classes,
            )
        self.metric = (
            MultilabelAUROC(classes)
            if self.multi_label
            else MulticlassAccuracy(classes, average="micro")
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of images float [B, C, H, W] in [0, 1]."""
        return self.heads["classes"](self.features(images))

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        images = random_view(batch["image"], self.config.views, self.view_generator()).image
        labels = batch["label"]
        if self.mixup is None:
            return self._criterion(self(images).float(), labels)
        even = len(images) // 2 * 2
        mixed, targets = self._mix(images[:even], labels[:even])
        return self._criterion(self(mixed).float(), targets)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        logits = self(plain_view(batch["image"])).float()
        self.record("val/loss", self._criterion(logits, batch["label"]), batch)
        self.metric.update(logits, batch["label"].long())
        name = "val/auroc" if self.multi_label else "val/accuracy"
        self.log(name, self.metric, on_epoch=True, batch_size=len(logits))

    def _mix(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if not self.multi_label:
            return self.mixup(images, labels)  # type: ignore[misc]
        share = self.mixup._params_per_batch()[0]  # type: ignore[union-attr]
        return images.lerp(images.flip(0), 1 - share), labels.lerp(labels.flip(0), 1 - share)

    def _criterion(self, logits: Tensor, targets: Tensor) -> Tensor:
        if self.multi_label:
            smooth = self.config.label_smoothing
            targets = targets * (1 - smooth) + smooth / 2
            return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=self.weights)
        if targets.ndim == 2:
            return SoftTargetCrossEntropy()(logits, targets)
        smoothing = self.config.label_smoothing if self.training else 0.0
        return F.cross_entropy(logits, targets, weight=self.weights, label_smoothing=smoothing)
