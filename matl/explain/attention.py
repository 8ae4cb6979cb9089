"""What the inserted attention reads, at the resolution of its own map."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone, Operator
from matl.backbones.operators import SelfAttention


@torch.no_grad()
def attention_maps(backbone: AttentiveBackbone, images: Tensor) -> dict[int, Tensor]:
    """The attention that each place receives, averaged over heads and over the places that give it.

    This is the significance score of Goyal et al., "PoWER-BERT" (https://arxiv.org/abs/2001.08950).
    Rollout (https://arxiv.org/abs/2005.00928) would need operators that follow each other on one
    grid; between ours the network convolves and halves the map.

    Args:
        backbone: in the mode that it is to be seen in.
        images: float [B, C, H, W] in [0, 1].

    Returns:
        float32 [B, h, w] by the stride of the operator; each map sums to 1. Empty where the
        backbone has no attention.
    """
    received: dict[int, Tensor] = {}
    with _watched(backbone, received):
        backbone(images)
    return received


@contextmanager
def _watched(backbone: AttentiveBackbone, received: dict[int, Tensor]) -> Iterator[None]:
    hooks = [
        operator.register_forward_pre_hook(partial(_note, int(stride), received))
        for stride, operator in backbone.operators.items()
        if isinstance(operator, Operator) and isinstance(operator.mix, SelfAttention)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _note(
    stride: int, received: dict[int, Tensor], operator: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    assert isinstance(operator, Operator)
    [x] = inputs
    weights = operator.attention_weights(x)  # [B, heads, N, N], rows sum to 1
    received[stride] = weights.mean(dim=(1, 2)).unflatten(1, x.shape[-2:])
