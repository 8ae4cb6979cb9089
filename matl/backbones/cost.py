"""What a backbone costs, for reports."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from matl.backbones.attentive import AttentiveBackbone, build_backbone
from matl.backbones.config import BackboneConfig

PARAMETER_TOLERANCE, FLOP_TOLERANCE = 0.05, 0.02
"""How far attention and its control may differ, so that arms differ in the operator alone."""

LARGEST_SHARE = 0.15
"""Of a network's parameters that its operators hold, so that it stays the network it was."""


@dataclass(frozen=True)
class ParameterShares:
    """Numbers of parameters: of the backbone in all, and of its operators."""

    total: int
    operators: int

    @property
    def share(self) -> float:
        """The operators' share of all parameters, in [0, 1]."""
        return self.operators / self.total


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


@dataclass(frozen=True)
class Match:
    """How far the network with attention is from the one with the control.

    Attributes:
        share: The operators' share of the parameters, the larger one of the two.
        parameters: Relative difference of the inserted blocks' parameters.
        flops: Relative difference of the networks' floating-point operations, by (height, width).
        one_place: A stride and a size where the operator's map is one place; None where none is.
    """

    share: float
    parameters: float
    flops: dict[tuple[int, int], float]
    one_place: tuple[int, tuple[int, int]] | None = None

    def __str__(self) -> str:
        costs = ", ".join(f"{d:+.2%} at {h} x {w}" for (h, w), d in self.flops.items())
        return (
            "attention against its convolutional control: "
            f"{self.parameters:+.2%} block parameters; FLOPs {costs}"
        )

    @property
    def warnings(self) -> list[str]:
        """What breaks the match, a sentence each."""
        found = []
        far = [size for size, one in self.flops.items() if abs(one) > FLOP_TOLERANCE]
        if far:
            height, width = far[0]
            found.append(
                f"WARNING: at {height} x {width} the arms' FLOPs differ by more than "
                f"{FLOP_TOLERANCE:.0%}; a gain there may be one of computation: take a smaller size"
            )
        if abs(self.parameters) > PARAMETER_TOLERANCE:
            found.append(f"WARNING: the arms' blocks differ by more than {PARAMETER_TOLERANCE:.0%}")
        if self.share > LARGEST_SHARE:
            found.append(
                f"WARNING: the operators hold {self.share:.0%} of the parameters, more than "
                f"{LARGEST_SHARE:.0%}: take a larger network, or fewer strides"
            )
        if self.one_place:
            stride, (height, width) = self.one_place
            found.append(
                f"WARNING: at {height} x {width} the map at stride {stride} is one place, where "
                "attention has nothing to choose from: take a larger size, or a finer stride"
            )
        return found


def arm_match(config: BackboneConfig, sizes: Sequence[tuple[int, int]]) -> Match:
    """Compares the network of `config` with attention and with the control, at image sizes."""
    plain = replace(config, weights=None)
    arms = [
        build_backbone(replace(plain, operator=name), 0) for name in ("attention", "convolution")
    ]
    attention, control = map(parameter_shares, arms)
    costs = {size: [flops(arm, size) for arm in arms] for size in sizes}
    single = [one for one in product(config.at_strides, sizes) if max(one[1]) <= one[0]]
    return Match(
        share=max(attention.share, control.share),
        parameters=attention.operators / control.operators - 1,
        flops={size: first / second - 1 for size, (first, second) in costs.items()},
        one_place=single[0] if single else None,
    )
