"""The features that a network's backbone has of images: its last map, averaged over its places."""

from collections.abc import Iterable

import torch
from torch import Tensor

from matl.backbones import AttentiveBackbone
from matl.views import Fitting, plain_view


def pooled(backbone: AttentiveBackbone, images: Tensor) -> Tensor:
    """Features of images in [0, 1], float32 [B, num_features], on the CPU."""
    last = list(backbone(images).values())[-1]
    return last.float().mean((2, 3)).cpu()


def plain_features(
    backbone: AttentiveBackbone,
    batches: Iterable[dict[str, Tensor]],
    fitting: Fitting,
    device: torch.device,
) -> Tensor:
    """Features of the views of evaluation, float32 [N, num_features], on the CPU.

    Args:
        backbone: On the device; in whatever mode it is to look.
        batches: At least one, of `image` and `extent`; see `Stage.loss`.
        fitting: What the stage looks at.
        device: Where it is computed.
    """
    views = (
        plain_view(batch["image"].to(device), fitting, batch["extent"].to(device)).image
        for batch in batches
    )
    return torch.cat([pooled(backbone, view) for view in views])
