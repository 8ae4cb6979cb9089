"""What a network and its operators cost, for plans and reports: kept, once it was counted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from itertools import product
from typing import TYPE_CHECKING

from matl.backbones import VERSION
from matl.backbones.config import BackboneConfig
from matl.kept import kept

if TYPE_CHECKING:
    from matl.backbones.attentive import AttentiveBackbone

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


@dataclass(frozen=True)
class NetworkCost:
    """What a network costs.

    Attributes:
        parameters: Of the network, and of its operators.
        flops: Floating-point operations of a forward pass over one image, by (height, width); see
            `matl.backbones.counting.flops`.
    """

    parameters: ParameterShares
    flops: dict[tuple[int, int], int]


def network_cost(config: BackboneConfig, sizes: Iterable[tuple[int, int]] = ()) -> NetworkCost:
    """What the network of `config` costs at image sizes; its weights do not matter.

    The network is built where this was not asked before, and the answers are kept.

    Args:
        config: The network and its operators.
        sizes: Heights and widths in pixels.

    Raises:
        MatlError: A setting cannot be followed.
    """
    network = _question(config)
    built = cache(lambda: _build(config))
    shares = kept(f"parameters of {network}", lambda: list(astuple(_counted(built()))))
    flops = {
        size: kept(f"FLOPs at {size[0]} x {size[1]} of {network}", partial(_flops, built, size))
        for size in sizes
    }
    return NetworkCost(ParameterShares(*shares), flops)


def _question(config: BackboneConfig) -> str:
    """The network in words, with every version that its costs depend on."""
    places = sorted(config.at_strides) if config.operator != "none" else []
    return (
        f"{config.name}, {config.operator} at {places}, {config.in_channels} channels, "
        f"matl {VERSION}, timm {version('timm')}, torch {version('torch')}"
    )


def _build(config: BackboneConfig) -> "AttentiveBackbone":
    from matl.backbones.attentive import build_backbone

    return build_backbone(replace(config, weights=None), seed=0)


def _counted(backbone: "AttentiveBackbone") -> ParameterShares:
    from matl.backbones.counting import parameter_shares

    return parameter_shares(backbone)


def _flops(built: "Callable[[], AttentiveBackbone]", size: tuple[int, int]) -> int:
    from matl.backbones.counting import flops

    return flops(built(), size)


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
    attention, control = (
        network_cost(replace(config, operator=name), sizes) for name in ("attention", "convolution")
    )
    single = [one for one in product(config.at_strides, sizes) if max(one[1]) <= one[0]]
    return Match(
        share=max(attention.parameters.share, control.parameters.share),
        parameters=attention.parameters.operators / control.parameters.operators - 1,
        flops={size: attention.flops[size] / control.flops[size] - 1 for size in sizes},
        one_place=single[0] if single else None,
    )
