"""Features of lungs and of their regions, pooled where a view's affine map puts them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from matl.lungs import REGIONS
from matl.views import resample

SAMPLES = 8
"""Points along each side of a feature map's cell at which the regions of a scan are looked up."""

LEAST_LUNG = 0.05
"""Share of a view that lung must cover for the view to take part in the whole term."""

LEAST_REGION = 0.01
"""Share of a view that a region must cover to count as visible."""


class Regions(NamedTuple):
    """The regions of a batch as one view shows them.

    Attributes:
        features: float32 [B, R, C].
        shares: float32 [B, R, h, w], how much of each cell of the first map each region covers.
        seen: bool [B, R], whether the view shows enough of each.
    """

    features: Tensor
    shares: Tensor
    seen: Tensor


class Look:
    """One view of a batch, and where the scans' lungs and regions lie in it.

    Args:
        theta: float32 [B, 2, 3], the maps from view to scan.
        maps: The view's feature maps by stride, [B, C, h, w].
        fields: uint8 [B, H, W], the regions of the scans; see `carry`.
    """

    def __init__(self, theta: Tensor, maps: Mapping[int, Tensor], fields: Tensor) -> None:
        self.theta, self.maps, self.fields = theta, maps, fields
        self._shares: dict[tuple[int, ...], Tensor] = {}

    def shares(self, cells: Sequence[int]) -> Tensor:
        """The share of each of h x w cells that each region covers, float32 [B, R, h, w]."""
        cells = tuple(cells)
        if cells not in self._shares:
            self._shares[cells] = carry(self.fields, self.theta, cells)
        return self._shares[cells]

    def lung(self, strides: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The mean over the lung field; over all of the view if the scan has no field.

        Args:
            strides: Of the maps whose channels are joined.

        Returns:
            Features, float32 [B, C], and whether the view shows enough lung to take part, bool [B].
        """
        maps = [self.maps[stride] for stride in strides]
        found = [lung_weights(self.fields, self.shares(one.shape[2:])) for one in maps]
        pooled = [pool(one, weights) for one, (weights, _) in zip(maps, found, strict=True)]
        return torch.cat(pooled, dim=2).squeeze(1), found[0][1]

    def regions(self, strides: Sequence[int]) -> Regions:
        """The mean over each region.

        Args:
            strides: Of the maps whose channels are joined.
        """
        maps = [self.maps[stride] for stride in strides]
        shares = [self.shares(one.shape[2:]) for one in maps]
        pooled = [pool(one, weights) for one, weights in zip(maps, shares, strict=True)]
        return Regions(torch.cat(pooled, dim=2), shares[0], visible(shares[0], LEAST_REGION))


def carry(regions: Tensor, theta: Tensor, cells: Sequence[int]) -> Tensor:
    """Carry the regions of scans into the cells of their views' feature maps.

    Args:
        regions: uint8 [B, H, W], 0 outside the lung field, k in `REGIONS[k - 1]`.
        theta: float32 [B, 2, 3], the maps from view to scan.
        cells: height and width of the feature map.

    Returns:
        float32 [B, R, h, w], the share of each cell that each region covers.
    """
    size = (cells[0] * SAMPLES, cells[1] * SAMPLES)
    labels = resample(regions[:, None], theta, size, mode="nearest")
    names = torch.arange(1, len(REGIONS) + 1, device=regions.device)[:, None, None]
    return F.avg_pool2d((labels == names).float(), SAMPLES)


def pool(features: Tensor, weights: Tensor) -> Tensor:
    """Average features over each of several weight maps, in float32.

    Args:
        features: [B, C, h, w].
        weights: float32 [B, R, h, w], not negative.

    Returns:
        float32 [B, R, C]; zeros where all weights are zero.
    """
    total = weights.sum(dim=(2, 3)).clamp(min=torch.finfo(torch.float32).tiny)
    sums = torch.einsum("bchw,brhw->brc", features.float(), weights)
    return sums / total[:, :, None]


def visible(weights: Tensor, least: float) -> Tensor:
    """Whether each weight map of [B, R, h, w] covers that share of its view: bool [B, R]."""
    return weights.mean(dim=(2, 3)) >= least


def lung_weights(fields: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Weights that pool a view over its lung field; over all of the map if the scan has no field.

    Args:
        fields: uint8 [B, H, W], the regions of the scans.
        shares: float32 [B, R, h, w], those of the view.

    Returns:
        The weights, float32 [B, 1, h, w], and whether the view shows enough lung to take part,
        bool [B]. A scan without a field always takes part.
    """
    lung = shares.sum(dim=1, keepdim=True)
    no_field = without_field(fields)
    weights = torch.where(no_field[:, None, None, None], torch.ones_like(lung), lung)
    return weights, visible(weights, LEAST_LUNG).squeeze(1)


def without_field(regions: Tensor) -> Tensor:
    """Which scans of uint8 [B, H, W] have no lung field: bool [B]."""
    return (regions == 0).flatten(1).all(dim=1)
