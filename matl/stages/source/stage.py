"""The LightningModule of the task `source`."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from timm.data import Mixup
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy, MultilabelAUROC
from torchmetrics.utilities import dim_zero_cat

from matl.backbones import AttentiveBackbone
from matl.seeding import draw_by_name
from matl.stages.base import Stage, class_weights
from matl.stages.processes import relative_weight
from matl.stages.source.task import SourceConfig


class MeanAUROC(MultilabelAUROC):
    """The mean over the classes that some images have and some have not; nan without any."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes, average="none")

    def compute(self) -> Tensor:  # type: ignore[override]
        """Average over the classes that can be ranked."""
        targets = dim_zero_cat(self.target)
        ranked = targets.amin(0) != targets.amax(0)
        return super().compute()[ranked].mean()


class LabelHead(nn.Module):
    """A linear classifier of one kind of labels, with their loss and their metric.

    Args:
        features: width of its input.
        labels: What it learns: `classes` (their names), `multi_label`, and of the training images
            `images` (how many) and `counts` (how many of each class).
        config: the stage's settings.
    """

    weights: Tensor | None

    def __init__(self, features: int, labels: Mapping[str, Any], config: SourceConfig) -> None:
        super().__init__()
        self.classes, self.multi_label = len(labels["classes"]), bool(labels["multi_label"])
        self.smoothing = config.label_smoothing
        self.linear = nn.Linear(features, self.classes)
        balanced = config.class_weights == "balanced"
        counted = (labels["counts"], labels["images"], self.multi_label)
        weights = class_weights(*counted) if balanced else None
        self.register_buffer("weights", weights, persistent=False)
        self.mixup = None
        if config.mixup > 0:
            self.mixup = Mixup(
                mixup_alpha=config.mixup, label_smoothing=self.smoothing, num_classes=self.classes
            )
        self.metric = (
            MeanAUROC(self.classes)
            if self.multi_label
            else MulticlassAccuracy(self.classes, average="micro")
        )
        self.metric_name = "auroc" if self.multi_label else "accuracy"

    def forward(self, features: Tensor) -> Tensor:
        """Logits [B, classes] of features [B, width], float32."""
        return self.linear(features).float()

    def note(self, features: Tensor, targets: Tensor) -> None:
        """Adds validation images to the metric, as probabilities: it would take some logits so."""
        logits = self(features)
        scores = logits.sigmoid() if self.multi_label else logits.softmax(1)
        self.metric.update(scores, targets.long())

    def mix(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mixes images with each other, and their labels alike; an odd image is left out."""
        if self.mixup is None or len(images) < 2:
            return images, targets
        even = len(images) // 2 * 2
        images, targets = images[:even], targets[:even]
        if not self.multi_label:
            return self.mixup(images, targets)
        share = drawn_share(self.mixup)
        return images.lerp(images.flip(0), 1 - share), targets.lerp(targets.flip(0), 1 - share)

    def _mixes(self) -> bool:
        """Whether images are mixed now, on all processes alike, however few this one has."""
        return self.mixup is not None and self.training

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean over the images, or 0 where there is none; every process must call it alike.

        Args:
            logits: float32 [n, classes].
            targets: int64 [n], or float32 [n, classes] of multi-labels or mixed labels.
        """
        mixed = targets.ndim == 2  # timm's mixup has smoothed the labels already
        weights = None if self.multi_label or self._mixes() else self.weights
        factor = 1.0 if weights is None else relative_weight(weights[targets])
        if len(logits) == 0:
            return logits.sum()
        if self.multi_label:
            smoothing = self.smoothing if self.training else 0.0
            targets = targets * (1 - smoothing) + smoothing / 2
            return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=self.weights)
        smoothing = self.smoothing if self.training and not mixed else 0.0
        mean = F.cross_entropy(logits, targets, weight=self.weights, label_smoothing=smoothing)
        return factor * mean


def drawn_share(mixup: Mixup) -> float:
    """Draw the share that the first image has in a mixture, as timm draws it, 0 to 1."""
    return mixup._params_per_batch()[0]


class SourceStage(Stage):
    """Supervised classification with a linear head for each kind of labels.

    A batch may hold images of several data sets. Each head sees its own; the loss is the heads'
    mean, weighted by their images.

    Args:
        backbone: trained in place.
        config: the stage's settings.
        seed: the experiment's seed.
        labels: The kinds of labels by name, in the order of the batch's `label_set`; see
            `LabelHead`.
    """

    config: SourceConfig

    def __init__(
        self,
        backbone: AttentiveBackbone,
        config: SourceConfig,
        seed: int,
        labels: Mapping[str, Mapping[str, Any]],
    ) -> None:
        super().__init__(backbone, config, seed)
        width = backbone.num_features
        self.names = tuple(labels)
        heads = [LabelHead(width, one, config) for one in labels.values()]
        self.heads = nn.ModuleDict({str(number): head for number, head in enumerate(heads)})
        draw_by_name(self.heads, seed, f"{config.task}.heads")

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Logits [B, classes] of each head for images float [B, C, H, W] in [0, 1]."""
        features = self.features(images)
        return {name: head(features) for name, head in self._named_heads()}

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Mean over the heads, weighted by their images."""
        images = self.draw_view(batch, self.config.views).image
        parts = [head.mix(images[rows], targets) for head, rows, targets in self._parts(batch)]
        features = self.features(torch.cat([mixed for mixed, _ in parts]))
        return self._mean_loss(features.split([len(mixed) for mixed, _ in parts]), parts)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Log the loss, and the metric of each head."""
        features = self.features(self.plain_view(batch))
        parts = [(features[rows], targets) for _, rows, targets in self._parts(batch)]
        loss = self._mean_loss([own for own, _ in parts], parts)
        self.log("val/loss", loss, sync_dist=True, batch_size=len(batch["image"]))
        for (name, head), (own, targets) in zip(self._named_heads(), parts, strict=True):
            if len(own):
                head.note(own, targets)
                place = "val" if len(self.heads) == 1 else f"val/{name}"
                self.log(
                    f"{place}/{head.metric_name}", head.metric, on_epoch=True, batch_size=len(own)
                )

    def on_validation_epoch_end(self) -> None:
        """Logs the mean over several heads, each by its own metric."""
        seen = [head.metric for _, head in self._named_heads() if head.metric.update_called]
        if len(self.heads) > 1 and seen:
            self.log("val/mean", torch.stack([metric.compute() for metric in seen]).mean())

    def _named_heads(self) -> list[tuple[str, LabelHead]]:
        return list(zip(self.names, self.heads.values(), strict=True))  # type: ignore[arg-type]

    def _parts(self, batch: dict[str, Tensor]) -> list[tuple[LabelHead, Tensor, Tensor]]:
        """Each head with the places of its images in the batch and their labels."""
        parts = []
        for number, (_, head) in enumerate(self._named_heads()):
            if "label_set" not in batch:
                rows = torch.arange(len(batch["label"]), device=batch["label"].device)
                parts.append((head, rows, batch["label"]))
                continue
            rows = (batch["label_set"] == number).nonzero().squeeze(1)
            several = head.multi_label
            targets = batch["labels"][rows, : head.classes] if several else batch["label"][rows]
            parts.append((head, rows, targets))
        return parts

    def _mean_loss(
        self, features: tuple[Tensor, ...] | list[Tensor], parts: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        images = max(sum(len(own) for own in features), 1)
        losses = [
            head.loss(head(own), targets) * (max(len(own), 1) / images)
            for (_, head), own, (_, targets) in zip(
                self._named_heads(), features, parts, strict=True
            )
        ]
        return torch.stack(losses).sum()
