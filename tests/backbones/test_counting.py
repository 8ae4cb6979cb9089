"""What built backbones hold and compute."""

from functools import cache

import pytest

from matl.backbones import (
    AttentiveBackbone,
    BackboneConfig,
    build_backbone,
    flops,
    parameter_shares,
)

NETWORKS = ("resnet18", "resnet50", "densenet121", "efficientnet_b0", "convnext_atto")
OPERATORS = ("attention", "convolution", "none")
SLOW_BUT_ONE = [
    name if name == "resnet18" else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS
]


@cache
def shared(name: str = "resnet18", operator: str = "attention") -> AttentiveBackbone:
    """A backbone that tests must not change."""
    return build_backbone(BackboneConfig(name, operator), seed=0).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_parameter_shares__operators_hold_at_most_fifteen_per_cent(name: str) -> None:
    plain = parameter_shares(shared(name, "none"))
    assert plain.operators == 0
    for operator in ("attention", "convolution"):
        shares = parameter_shares(shared(name, operator))
        assert shares.total == plain.total + shares.operators
        assert 0.015 < shares.share <= 0.15
        assert shares.operators <= 0.15 * plain.total


@pytest.mark.parametrize("size", [64, pytest.param(128, marks=pytest.mark.slow), 224])
@pytest.mark.parametrize("name", SLOW_BUT_ONE)
def test_flops__of_attention_and_control_match(name: str, size: int) -> None:
    attention, convolution = (flops(shared(name, op), size) for op in OPERATORS[:2])
    assert attention == pytest.approx(convolution, rel=0.02)
    assert attention > flops(shared(name, "none"), size)


def test_flops__of_attention_count_its_products() -> None:
    backbone = build_backbone(BackboneConfig(at_strides=[16]), seed=0)
    plain, channels, width, places = shared(operator="none"), 256, 64, 12 * 14
    expected = 2 * places * (2 * channels * width + 3 * width**2 + 2 * places * width)
    assert flops(backbone, (192, 224)) - flops(plain, (192, 224)) == expected
    assert next(backbone.parameters()).device.type == "cpu"
