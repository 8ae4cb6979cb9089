"""The three terms of the multi-scale loss, as functions of projected features and masks.

The contrastive terms are InfoNCE (https://arxiv.org/abs/1807.03748) on normalised vectors, in
float32 whatever the precision of the network.
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


class RegionKeys(NamedTuple):
    """Region features of the momentum encoder that may serve as negatives.

    Attributes:
        keys: [B, R, D].
        takes_part: bool [B, R], visible in both views.
        scans: int64 [B].
        patients: int64 [B].
    """

    keys: Tensor
    takes_part: Tensor
    scans: Tensor
    patients: Tensor


def whole_loss(
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
    queries, keys, queue = _unit(queries), _unit(keys), _unit(queue)
    same = (queries * keys).sum(dim=-1)
    return _info_nce(same, queries @ queue.T, negatives, takes_part, temperature)


def region_loss(queries: Tensor, own: RegionKeys, others: RegionKeys, temperature: float) -> Term:
    """Contrast two views of each region against other regions.

    The negatives of a region are the other regions of its scan, and the regions of other
    patients but the one of its own name. What is not visible in both views takes no part, as a
    query or as a negative.

    Args:
        queries: [B, R, D].
        own: keys of the same scans and regions in the other view.
        others: keys to take negatives from: `own`, or those of all processes.
        temperature: above 0.
    """
    count, regions, width = queries.shape
    queries, keys = _unit(queries), _unit(others.keys)
    same = (queries * _unit(own.keys)).sum(dim=-1)
    logits = queries.reshape(-1, width) @ keys.reshape(-1, width).T
    same_scan = own.scans[:, None] == others.scans
    other_patient = own.patients[:, None] != others.patients
    other_name = ~torch.eye(regions, dtype=torch.bool, device=queries.device)
    negatives = (
        (same_scan | other_patient)[:, None, :, None]
        & other_name[None, :, None, :]
        & others.takes_part[None, None]
    ).reshape(count * regions, -1)
    takes_part = own.takes_part.flatten()
    return _info_nce(same.flatten(), logits, negatives, takes_part, temperature)


def identity_loss(logits: Tensor, takes_part: Tensor) -> Term:
    """Classify a feature by the region that it comes from.

    Args:
        logits: [B, R, R]; the second dimension is the true region.
        takes_part: bool [B, R].
    """
    truth = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
    losses = F.cross_entropy(logits.float().transpose(1, 2), truth, reduction="none")
    return _mean(losses, logits.argmax(dim=2) == truth, takes_part)


def _info_nce(
    same: Tensor, others: Tensor, negatives: Tensor, takes_part: Tensor, temperature: float
) -> Term:
    """InfoNCE of similarities [N] and [N, K]; a query without any negative takes no part."""
    positive = same / temperature
    rest = (others / temperature).masked_fill(~negatives, -torch.inf)
    losses = torch.cat([positive[:, None], rest], dim=1).logsumexp(dim=1) - positive
    right = (positive[:, None] > rest).all(dim=1)
    return _mean(losses, right, takes_part & negatives.any(dim=1))


def _mean(losses: Tensor, right: Tensor, takes_part: Tensor) -> Term:
    count = mean_count(takes_part.sum())
    return Term(
        loss=losses.where(takes_part, 0.0).sum() / count,
        accuracy=(right & takes_part).sum() / count,
        used=takes_part.float().mean(),
    )


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.float(), dim=-1)
