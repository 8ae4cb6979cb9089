"""The LightningModule of the task `diagnosis` over three classes and more."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAUROC

from matl.backbones import AttentiveBackbone
from matl.seeding import draw_by_name
from matl.stages.base import Stage, class_weights
from matl.stages.diagnosis.scores import mean_scores
from matl.stages.diagnosis.task import DiagnosisConfig


class MultiClassStage(Stage):
    """Fine-tunes the whole network with one logit per class; the last epoch's weights are kept.

    Args:
        backbone: trained in place.
        config: the stage's settings.
        seed: the experiment's seed.
        counts: training images of each class.
        ranks_validation: whether the validation images are of every class, so that they have an
            AUROC of each class against the rest.
    """

    config: DiagnosisConfig
    weights: Tensor

    def __init__(
        self,
        backbone: AttentiveBackbone,
        config: DiagnosisConfig,
        seed: int,
        counts: Sequence[int],
        ranks_validation: bool = True,
    ) -> None:
        super().__init__(backbone, config, seed)
        self.drop = nn.Dropout(config.drop_rate)
        self.heads = nn.ModuleDict({"classes": nn.Linear(backbone.num_features, len(counts))})
        draw_by_name(self.heads, seed, f"{config.task}.heads")
        weights = torch.ones(len(counts))
        if config.class_weights == "balanced":
            weights = class_weights(counts, sum(counts), multi_label=False)
        self.register_buffer("weights", weights, persistent=False)
        self.auroc = MulticlassAUROC(len(counts), average="macro")
        self.ranks_validation = ranks_validation

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] for images float [B, C, H, W] in [0, 1]."""
        return self.heads["classes"](self.drop(self.features(images)))

    def scores(self, batch: dict[str, Tensor]) -> Tensor:
        """Probabilities [B, classes], 1 in sum, for the images of a batch."""
        return mean_scores(self, batch, lambda images: self(images).float().softmax(1))

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy of one view of each image."""
        images = self.draw_view(batch, self.config.views).image
        logits = self(images).float()
        return self._criterion(logits, batch["label"], self.config.label_smoothing)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Log the loss, and the macro AUROC where every class is there."""
        logits = self(self.plain_view(batch)).float()
        loss = self._criterion(logits, batch["label"])
        self.log("val/loss", loss, sync_dist=True, batch_size=len(logits))
        if self.ranks_validation:
            seen_once = self.config.tta == "none"
            scores = logits.softmax(1) if seen_once else self.scores(batch)
            self.auroc.update(scores, batch["label"])
            self.log("val/auroc", self.auroc, on_epoch=True, batch_size=len(logits))

    def _criterion(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """The mean over images, not over their weights: so processes' means average to it."""
        losses = F.cross_entropy(
            logits, labels, weight=self.weights, label_smoothing=smoothing, reduction="none"
        )
        return losses.mean()
