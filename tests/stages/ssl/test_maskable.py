"""Which networks a masked pass can be trusted with."""

import pytest

from matl.stages.ssl.maskable import find_unmaskable


@pytest.mark.parametrize(
    "name",
    ["resnet50", "tf_efficientnet_lite0", "densenet121", "monai/resnet18", "vgg11", "regnetx_002"],
)
def test_convolutions_norms_and_pooling_are_known(name: str) -> None:
    assert find_unmaskable(name) == ""


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("efficientnet_b0", "mean"),  # squeeze-and-excitation
        ("monai/seresnet50", "mean"),
        ("botnet26t_256", "split"),  # attention of its own
        ("convnext_atto", "permute"),
        ("efficientnet_b0_g8_gn", "native_group_norm"),
        ("resnetblur50d", "reflection_pad2d"),
        ("fastvit_t12", "add"),  # of a constant
    ],
)
def test_what_else_joins_places_or_fills_them_is_named(name: str, operation: str) -> None:
    assert find_unmaskable(name).startswith(operation)
