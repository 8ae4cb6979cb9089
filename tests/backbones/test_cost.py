"""What networks cost is counted once and kept; arms that do not match are named."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from matl.backbones import (
    BackboneConfig,
    arm_match,
    build_backbone,
    cost,
    flops,
    network_cost,
    parameter_shares,
)

SIZES = [(32, 32), (64, 32)]


@pytest.fixture
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATL_CACHE_HOME", str(tmp_path))


@pytest.fixture
def no_more_building(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def build(config: BackboneConfig) -> NoReturn:
        raise AssertionError(f"{config} was built")

    return lambda: monkeypatch.setattr(cost, "_build", build)


@pytest.mark.parametrize("operator", ["attention", "none"])
def test_network_cost__is_that_of_the_built_network(operator: str, nothing_kept: None) -> None:
    config = BackboneConfig("resnet10t", operator)
    backbone = build_backbone(config, seed=0)
    found = network_cost(config, SIZES)
    assert found.parameters == parameter_shares(backbone)
    assert found.flops == {size: flops(backbone, size) for size in SIZES}


def test_network_cost__is_counted_once(
    nothing_kept: None, no_more_building: Callable[[], None]
) -> None:
    config = BackboneConfig("resnet10t", at_strides=[32, 16])
    first = network_cost(config, SIZES)
    no_more_building()
    assert network_cost(config, SIZES) == first
    same = BackboneConfig("resnet10t", at_strides=[16, 32], weights="some.pt", drop_path=0.1)
    assert network_cost(same, SIZES) == first


@pytest.mark.parametrize(
    "other",
    [
        BackboneConfig("resnet14t"),
        BackboneConfig("resnet10t", "convolution"),
        BackboneConfig("resnet10t", at_strides=[32]),
        BackboneConfig("resnet10t", in_channels=3),
    ],
    ids=["name", "operator", "strides", "channels"],
)
def test_network_cost__another_network_is_counted_by_itself(
    other: BackboneConfig, nothing_kept: None
) -> None:
    first = network_cost(BackboneConfig("resnet10t"), SIZES)
    assert network_cost(other, SIZES).flops != first.flops


def test_network_cost__another_version_counts_again(
    nothing_kept: None, no_more_building: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    network_cost(BackboneConfig("resnet10t"))
    monkeypatch.setattr(cost, "VERSION", -1)
    no_more_building()
    with pytest.raises(AssertionError, match="was built"):
        network_cost(BackboneConfig("resnet10t"))


def test_arm_match__arms_that_do_not_match_are_named() -> None:
    config = BackboneConfig(at_strides=[8])
    near, far = (arm_match(config, [(64, 64), (side, side)]) for side in (96, 512))
    assert near.warnings == []
    assert "FLOPs +0." in str(near)
    [warning] = far.warnings
    assert warning.startswith("WARNING: at 512 x 512 the arms' FLOPs differ by more than 2%")
    [warning] = arm_match(BackboneConfig(), [(64, 32), (32, 32)]).warnings
    assert warning.startswith("WARNING: at 32 x 32 the map at stride 32 is one place, where")
    [warning] = arm_match(BackboneConfig("mobilenetv3_small_050"), [(64, 64)]).warnings
    assert warning.startswith("WARNING: the operators hold 27% of the parameters, more than 15%")
