"""The LightningModule of the task `diagnosis`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import BinaryAUROC

from matl.backbones import AttentiveBackbone
from matl.seeding import draw_by_name
from matl.stages.base import Stage
from matl.stages.diagnosis.scores import mean_scores
from matl.stages.diagnosis.task import DiagnosisConfig


class DiagnosisStage(Stage):
    """Fine-tunes the whole network with one logit; the last epoch's weights are kept.

    Args:
        backbone: trained in place.
        config: the stage's settings.
        seed: the experiment's seed.
        positives: training images of the positive class.
        negatives: the other training images.
        ranks_validation: whether the validation images are of both classes, so that they have an
            AUROC.
    """

    config: DiagnosisConfig
    positive_weight: Tensor

    def __init__(
        self,
        backbone: AttentiveBackbone,
        config: DiagnosisConfig,
        seed: int,
        positives: int,
        negatives: int,
        ranks_validation: bool = True,
    ) -> None:
        super().__init__(backbone, config, seed)
        self.drop = nn.Dropout(config.drop_rate)
        self.heads = nn.ModuleDict({"positive": nn.Linear(backbone.num_features, 1)})
        draw_by_name(self.heads, seed, f"{config.task}.heads")
        weight = negatives / max(positives, 1) if config.class_weights == "balanced" else 1.0
        self.register_buffer("positive_weight", torch.tensor(weight), persistent=False)
        self.auroc = BinaryAUROC()
        self.ranks_validation = ranks_validation

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B] of the positive class for images float [B, C, H, W] in [0, 1]."""
        return self.heads["positive"](self.drop(self.features(images))).squeeze(1)

    def scores(self, batch: dict[str, Tensor]) -> Tensor:
        """Probabilities [B] of the positive class for the images of a batch."""
        return mean_scores(self, batch, lambda images: self(images).float().sigmoid())

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Binary cross-entropy of one view of each image."""
        images = self.draw_view(batch, self.config.views).image
        smooth = self.config.label_smoothing
        targets = batch["label"].float() * (1 - smooth) + smooth / 2
        return self._criterion(self(images).float(), targets)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        """Log the loss, and the AUROC where both classes are there."""
        logits = self(self.plain_view(batch)).float()
        loss = self._criterion(logits, batch["label"].float())
        self.log("val/loss", loss, sync_dist=True, batch_size=len(logits))
        if self.ranks_validation:
            seen_once = self.config.tta == "none"
            scores = logits.sigmoid() if seen_once else self.scores(batch)
            self.auroc.update(scores, batch["label"])  # logits in [0, 1] would be kept
            self.log("val/auroc", self.auroc, on_epoch=True, batch_size=len(logits))

    def _criterion(self, logits: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=self.positive_weight)
