"""Reads the whole of a scan from its regions."""

import torch
from lightly.models.modules.heads import MoCoProjectionHead
from torch import Tensor, nn

HIDDEN = 128


class RegionReader(nn.Module):
    """Predicts the features of a whole scan from those of its regions.

    The regions are averaged by an attention that is learned: w^T tanh(V x), as in
    https://arxiv.org/abs/1802.04712, and projected.

    Args:
        channels: Of a region's features.
        width: Of the prediction.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(channels, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1, bias=False)
        )
        self.projection = MoCoProjectionHead(channels, channels, width)

    def forward(self, features: Tensor, seen: Tensor) -> Tensor:
        """The prediction, [B, width].

        Args:
            features: float32 [B, R, C].
            seen: bool [B, R], the regions that count; of a scan without any, all do.
        """
        scores = self.score(features).squeeze(2)
        scores = scores.masked_fill(~seen, torch.finfo(scores.dtype).min)
        return self.projection(torch.einsum("br,brc->bc", scores.softmax(dim=1), features))
