"""Counts the parameters and operations of a built backbone."""

import copy

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from matl.backbones.attentive import AttentiveBackbone
from matl.backbones.cost import ParameterShares


def parameter_shares(backbone: AttentiveBackbone) -> ParameterShares:
    """Counts the parameters of a backbone and those within its operators."""
    return ParameterShares(
        total=sum(p.numel() for p in backbone.parameters()),
        operators=sum(p.numel() for p in backbone.operators.parameters()),
    )


def flops(backbone: AttentiveBackbone, size: int | tuple[int, int]) -> int:
    """The floating-point operations of a forward pass over one image, without computing it.

    Products and sums of convolutions and matrix products count, as torch's FlopCounterMode counts
    them (two for a multiply-add); attention's two products are among them.

    Args:
        backbone: Unchanged.
        size: Height and width of the image in pixels, or one number for both.
    """
    height, width = (size, size) if isinstance(size, int) else size
    shadow = copy.deepcopy(backbone).to("meta").eval()
    images = torch.empty(1, backbone.in_channels, height, width, device="meta")
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        shadow(images)
    return int(counter.get_total_flops())
