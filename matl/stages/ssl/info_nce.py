"""InfoNCE (https://arxiv.org/abs/1807.03748) on normalised vectors, over chosen negatives.

In float32 whatever the precision of the network; autocast must be off, as it would round products.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from matl.stages.processes import mean_count


class Term(NamedTuple):
    """One term over a batch.

    Attributes:
        loss: mean over the queries that take part; 0 if none does.
        accuracy: share of these queries that are right, 0 to 1.
        used: share of all queries that take part, 0 to 1.

    Of several processes, loss and accuracy are their parts: the mean over the processes is the mean
    over the queries of all.
    """

    loss: Tensor
    accuracy: Tensor
    used: Tensor


def queue_loss(
    queries: Tensor,
    keys: Tensor,
    takes_part: Tensor,
    queue: Tensor,
    negatives: Tensor,
    temperature: float,
) -> Term:
    """Contrast two views of each scan against a queue of keys.

    Args:
        queries: [B, D].
        keys: [B, D], of the other view of the same scans.
        takes_part: bool [B].
        queue: [K, D].
        negatives: bool [B, K], which entries of the queue are negatives of each query.
        temperature: above 0.
    """
    queries, keys, queue = unit(queries), unit(keys), unit(queue)
    same = (queries * keys).sum(dim=-1)
    return info_nce(same, queries @ queue.T, negatives, takes_part, temperature)


def info_nce(
    same: Tensor, others: Tensor, negatives: Tensor, takes_part: Tensor, temperature: float
) -> Term:
    """InfoNCE of similarities; a query without any negative takes no part.

    Args:
        same: [N], of each query and its positive.
        others: [N, K], of each query and what may be its negatives.
        negatives: bool [N, K], which of these are.
        takes_part: bool [N].
        temperature: above 0.
    """
    positive = same / temperature
    rest = (others / temperature).masked_fill(~negatives, -torch.inf)
    losses = torch.cat([positive[:, None], rest], dim=1).logsumexp(dim=1) - positive
    right = (positive[:, None] > rest).all(dim=1)
    return mean_term(losses, right, takes_part & negatives.any(dim=1))


def mean_term(losses: Tensor, right: Tensor, takes_part: Tensor) -> Term:
    """The term of queries that each have a loss, are right or wrong, and take part or not."""
    count = mean_count(takes_part.sum())
    return Term(
        loss=losses.where(takes_part, 0.0).sum() / count,
        accuracy=(right & takes_part).sum() / count,
        used=takes_part.float().mean(),
    )


def unit(vectors: Tensor) -> Tensor:
    """Vectors [..., D] of length 1, in float32."""
    return F.normalize(vectors.float(), dim=-1)
