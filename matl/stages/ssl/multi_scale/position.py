"""What *identity* is to be read beside: how far a region's place in its view gives it away."""

import torch
from torch import Tensor

from matl.stages.ssl.multi_scale.pooling import pool

SMALLEST_VARIANCE = 1e-6
"""Of places from -1 to 1, added so that regions all in one place have a covariance, too."""


def position_accuracy(fitted_on: Tensor, weights: Tensor, takes_part: Tensor) -> Tensor:
    """The share of regions that their centroids tell apart, without any look at the image.

    A linear discriminant (one mean per region, one covariance for all) is fitted to the centroids
    of one view of each scan and asked about those of the other one.

    Args:
        fitted_on: The regions in one view of each scan, float32 [B, R, h, w] as `carry` returns it.
        weights: The regions in the other view.
        takes_part: Which of them count, bool [B, R].

    Returns:
        A scalar in [0, 1]; 0 where none takes part.
    """
    known, asked = centroids(fitted_on), centroids(weights)
    counts = takes_part.sum(dim=0)
    means = (known * takes_part[..., None]).sum(dim=0) / counts.clamp(min=1)[:, None]
    within = (known - means) * takes_part[..., None]
    covariance = torch.einsum("brx,bry->xy", within, within) / counts.sum().clamp(min=1)
    covariance += SMALLEST_VARIANCE * torch.eye(2, device=covariance.device)
    precision = torch.linalg.inv_ex(covariance).inverse  # unlike inv it waits for no device
    apart = asked[:, :, None] - means
    distances = torch.einsum("brkx,xy,brky->brk", apart, precision, apart)
    called = distances.masked_fill(counts == 0, torch.inf).argmin(dim=2)
    right = called == torch.arange(called.shape[1], device=called.device)
    return (right & takes_part).sum() / takes_part.sum().clamp(min=1)


def centroids(weights: Tensor) -> Tensor:
    """Column and row of each region's centre, from -1 to 1: float32 [B, R, 2]."""
    rows, columns = (
        torch.linspace(-1, 1, cells, device=weights.device) for cells in weights.shape[2:]
    )
    places = torch.stack(torch.meshgrid(columns, rows, indexing="xy"))
    return pool(places.expand(len(weights), -1, -1, -1), weights)
