"""What the processes of a stage exchange, so that they learn as one process would.

The gradient is the mean of the processes' own. So a loss that is a mean over a varying count must
divide its own sum by the processes' mean count, not by its own count.
"""

import torch
import torch.distributed as dist
from lightly.models.utils import concat_all_gather
from torch import Tensor


def several() -> bool:
    """Whether a stage is trained by more than one process."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def of_all_processes(tensor: Tensor) -> Tensor:
    """The tensors [B, ...] of all processes, one after the other; no gradient passes."""
    return concat_all_gather(tensor) if several() else tensor


def own_part(tensor: Tensor) -> Tensor:
    """This process's rows of a tensor that all processes have: each row is one process's."""
    return tensor[dist.get_rank() :: dist.get_world_size()] if several() else tensor


@torch.no_grad()
def mean_count(count: Tensor) -> Tensor:
    """A count, at least 1 over all processes, as its mean over them."""
    if not several():
        return count.clamp(min=1)
    total = count.float()
    dist.all_reduce(total)
    return total.clamp(min=1) / dist.get_world_size()


@torch.no_grad()
def relative_weight(weights: Tensor) -> Tensor | float:
    """The mean of this process's weights [n] by the mean of all processes' weights.

    A weighted mean over this process's images, times this, averages to the weighted mean over all.
    Every process must call it alike; 1 for a process without images, or alone.
    """
    if not several():
        return 1.0
    own = torch.stack([weights.sum(), weights.new_tensor(len(weights))])
    total = own.clone()
    dist.all_reduce(total)
    return (own[0] / own[1]) / (total[0] / total[1]) if len(weights) else 1.0
