"""What a transfer carries, and what restarts, is counted."""

import pytest

from matl.backbones import BackboneConfig, account, build_backbone


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_controls_carry_as_many_parameters(operator: str) -> None:
    config = BackboneConfig("resnet10t", operator)
    backbone = build_backbone(config, seed=0)
    total = sum(parameter.numel() for parameter in backbone.parameters())
    for control, transfer in (
        ("shuffled", "all"),
        ("shuffled_operators", "operators"),
        ("shuffled_convolutions", "convolutions"),
    ):
        ours, theirs = account(config, control), account(config, transfer)
        assert (ours.carried, ours.restarted) == (theirs.carried, theirs.restarted)
        assert sum(ours.carried.values()) + sum(ours.restarted.values()) == total


def test_the_account_in_words() -> None:
    words = str(account(BackboneConfig("resnet10t"), "shuffled_operators"))
    assert "parameters of operators, shuffled; restarts" in words
