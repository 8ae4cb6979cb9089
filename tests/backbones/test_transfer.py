from functools import cache

import pytest
import torch
from torch import Tensor

from matl.backbones import BackboneConfig, build_backbone, canonical_state, carry
from matl.backbones.config import TRANSFERS
from matl.errors import MatlError

OPERATORS = ("attention", "convolution")
FIXED = ("mean", "std")


@cache
def state(seed: int, operator: str = "attention") -> dict[str, Tensor]:
    """A state in which every value differs from every other backbone's."""
    backbone = build_backbone(BackboneConfig("resnet10t", operator), seed)
    generator = torch.Generator().manual_seed(seed)
    return {
        key: value + torch.rand(value.shape, generator=generator) if key not in FIXED else value
        for key, value in canonical_state(backbone).items()
    }


def carried_by(transfer: str, operator: str = "attention") -> tuple[dict[str, Tensor], set[str]]:
    """The state after a transfer, and the keys that came from the parent as they were."""
    backbone = build_backbone(BackboneConfig("resnet10t", operator), seed=0)
    carry(backbone, state(1, operator), transfer, seed=0)
    after = {key: value.clone() for key, value in canonical_state(backbone).items()}
    same = {key for key, value in after.items() if torch.equal(value, state(1, operator)[key])}
    return after, same - set(FIXED) - {key for key in after if key.endswith("tracked")}


def keys(family: str, operator: str = "attention") -> set[str]:
    inserted = {key for key in state(1, operator) if key.startswith("operators.")}
    others = {key for key in state(1, operator) if not key.endswith("tracked")} - set(FIXED)
    return inserted if family == "operators" else others - inserted


@pytest.mark.parametrize("operator", OPERATORS)
def test_all_carries_everything(operator: str) -> None:
    _, same = carried_by("all", operator)
    assert same == keys("operators", operator) | keys("convolutions", operator)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("family", ["operators", "convolutions"])
def test_one_family_is_carried_and_the_other_restarts(family: str, operator: str) -> None:
    after, same = carried_by(family, operator)
    assert same == keys(family, operator)
    fresh = canonical_state(build_backbone(BackboneConfig("resnet10t", operator), seed=0))
    assert all(torch.equal(after[key], fresh[key]) for key in after if key not in same)


def test_gates_and_statistics_belong_to_their_family() -> None:
    assert "operators.16.gate" in carried_by("operators")[1]
    assert "bn1.running_var" in carried_by("convolutions")[1]


@pytest.mark.parametrize("transfer", [name for name in TRANSFERS if name.startswith("shuffled")])
def test_a_shuffled_transfer_carries_the_same_values_in_another_order(transfer: str) -> None:
    families = TRANSFERS[transfer]
    after, same = carried_by(transfer)
    for family in families:
        for key in keys(family):
            assert key not in same
            assert torch.equal(after[key].flatten().sort()[0], state(1)[key].flatten().sort()[0])
    assert all(torch.equal(after[key], state(1)[key]) for key in FIXED)


def test_the_shuffled_order_is_a_function_of_the_seed() -> None:
    first, second = (carried_by("shuffled")[0] for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_parent_of_another_network_is_refused(transfer: str) -> None:
    backbone = build_backbone(BackboneConfig("resnet10t", "convolution"), seed=0)
    with pytest.raises(MatlError, match="weights do not fit"):
        carry(backbone, state(1, "attention"), transfer, seed=0)
