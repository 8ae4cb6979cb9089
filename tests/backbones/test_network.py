"""The networks of timm, as modules in one sequence."""

import pytest

from matl.backbones import BackboneConfig, build_backbone, feature_maps
from matl.backbones.network import layer_depths
from matl.errors import MatlError


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_layer_depths__every_weight_has_one(name: str) -> None:
    depths = layer_depths(name)
    network = build_backbone(BackboneConfig(name, "none", in_channels=3), seed=0).network
    known = [depths[key] for key, _ in network.named_parameters()]
    assert min(known) == 0
    assert len(set(known)) > 3


def test_layer_depths__are_not_known_of_every_network() -> None:
    build_backbone(BackboneConfig("poolformer_s12", "none"), seed=0)
    assert not feature_maps("poolformer_s12").names_layers
    with pytest.raises(MatlError, match="timm does not name the layers of poolformer_s12"):
        layer_depths("poolformer_s12")
