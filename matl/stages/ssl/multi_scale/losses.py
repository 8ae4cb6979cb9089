"""The terms *region* and *identity* of the multi-scale loss, of projected features and masks.

The term *whole* is `matl.stages.ssl.info_nce.queue_loss`.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from matl.stages.ssl.info_nce import Term, info_nce, mean_term, unit


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
    queries, keys = unit(queries), unit(others.keys)
    same = (queries * unit(own.keys)).sum(dim=-1)
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
    return info_nce(same.flatten(), logits, negatives, takes_part, temperature)


def identity_loss(logits: Tensor, takes_part: Tensor) -> Term:
    """Classify a feature by the region that it comes from.

    Args:
        logits: [B, R, R]; the second dimension is the true region.
        takes_part: bool [B, R].
    """
    truth = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
    losses = F.cross_entropy(logits.float().transpose(1, 2), truth, reduction="none")
    return mean_term(losses, logits.argmax(dim=2) == truth, takes_part)
