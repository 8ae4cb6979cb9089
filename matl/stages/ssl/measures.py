"""What tells whether features still say something, for curves and tables; no gradient passes."""

import math

import torch
import torch.nn.functional as F
from lightly.utils import dist
from torch import Tensor

from matl.stages.processes import of_all_processes


@torch.no_grad()
def spread(vectors: Tensor, takes_part: Tensor | None = None) -> Tensor:
    """Spread of directions: 0 where all [..., D] agree, about 1 where they are even.

    The mean standard deviation of the normalised vectors' components, times sqrt(D)
    (https://arxiv.org/abs/2011.10566), over the vectors that take part.

    Args:
        vectors: [..., D].
        takes_part: bool [...]; by default all do.
    """
    vectors = F.normalize(vectors.float(), dim=-1)
    if takes_part is None:
        takes_part = torch.ones(vectors.shape[:-1], dtype=torch.bool, device=vectors.device)
    weights = (takes_part / takes_part.sum().clamp(min=1))[..., None]
    over = tuple(range(vectors.ndim - 1))
    mean = (weights * vectors).sum(over)
    variance = (weights * (vectors - mean) ** 2).sum(over)
    return variance.sqrt().mean() * vectors.shape[-1] ** 0.5


@torch.no_grad()
def retrieval(first: Tensor, second: Tensor) -> Tensor:
    """Share of scans whose own other view is the most similar of all scans', over all processes.

    Args:
        first: [B, D], one view of each scan; autocast must be off.
        second: [B, D], the other view of the same scans.
    """
    first, second = (F.normalize(view.float(), dim=-1) for view in (first, second))
    found = (first @ of_all_processes(second).T).argmax(dim=1)
    own = torch.arange(len(first), device=first.device) + dist.rank() * len(first)
    return (found == own).float().mean()


@torch.no_grad()
def flatness(logits: Tensor) -> Tensor:
    """Mean entropy of softmax(logits), [B, K], as a share of the largest: 0 to 1, where it is flat.

    Autocast must be off.
    """
    logs = logits.float().log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1).mean() / math.log(logits.shape[1])
