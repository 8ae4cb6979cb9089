"""A mistake in the backbone's settings is one line, found without torch."""

import pytest

from matl.backbones import BackboneConfig, build_backbone, check_config
from matl.errors import MatlError


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (BackboneConfig("resnt50"), r"backbone.name: there is no 'resnt50'; .*'resnet50'"),
        (BackboneConfig(operator="atention"), r"no 'atention'; did you mean 'attention'"),
        (BackboneConfig(at_strides=[16, 12]), r"\[2, 4, 8, 16, 32\], not at 12"),
        (BackboneConfig("convnext_atto", at_strides=[2]), r"\[4, 8, 16, 32\], not at 2"),
        (BackboneConfig(at_strides=[]), r"at_strides is empty"),
        (BackboneConfig(in_channels=2), r"in_channels: 2; images have 1 \(grey\) or 3"),
        (BackboneConfig(drop_path=1.0), r"drop_path: 1.0 is not in \[0, 1\)"),
        (BackboneConfig("vit_tiny_patch16_224"), r"not a sequence of convolutional stages"),
        (BackboneConfig("inception_v3"), r"does not take images of every size"),
    ],
)
def test_check_config__one_line_with_the_way_out(config: BackboneConfig, message: str) -> None:
    with pytest.raises(MatlError, match=message) as error:
        check_config(config)
    assert "\n" not in str(error.value)
    with pytest.raises(MatlError, match=message):
        build_backbone(config, seed=0)


def test_check_config__takes_the_tag_of_pretrained_weights() -> None:
    check_config(BackboneConfig("resnet18.a1_in1k"))
    with pytest.raises(MatlError, match="no 'resnt18'; did you mean 'resnet18'"):
        check_config(BackboneConfig("resnt18.a1_in1k"))
