"""The networks of timm, as modules in one sequence."""

import pytest
import timm
import torch
from foreign_files import assert_equal, images, settled

from matl.backbones import BackboneConfig, build_backbone, feature_maps, load_state
from matl.backbones.foreign import foreign_heads
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


TAILS = {
    "tf_efficientnet_lite0": ["conv_head", "bn2"],
    "mobilenetv2_050": ["conv_head", "bn2"],
    "ghostnet_050": ["blocks.8", "blocks.9"],
    "rexnet_100": ["features.16"],
    "regnetz_005": ["final_conv"],
    "resnetv2_18": ["norm"],
    "nf_resnet26": ["final_act"],
    "dpn48b": ["features.conv5_bn_ac"],
    "fastvit_t8": ["final_conv"],
    "mobilenetv3_small_050": [],
    "resnet18": [],
    "densenet121": [],
    "regnetx_002": [],
}
"""What stands between the last feature map and the pooling: MobileNetV3 pools before its last
convolution, which is the classifier's then."""


@pytest.mark.parametrize("name", TAILS)
@torch.no_grad()
def test_network__ends_where_its_classifier_pools(name: str) -> None:
    maps = feature_maps(name)
    assert list(maps.tail) == TAILS[name]
    classifier = settled(timm.create_model(name))
    backbone = build_backbone(BackboneConfig(name, "none", in_channels=3), seed=0).eval()
    load_state(backbone, classifier.state_dict(), foreign_heads(backbone)).raise_if_bad()
    mean, std = torch.tensor(maps.mean).view(3, 1, 1), torch.tensor(maps.std).view(3, 1, 1)
    last = backbone(images())[backbone.last_stride]
    assert_equal(last, classifier.forward_features((images() - mean) / std))
    assert backbone.num_features == last.shape[1] == maps.num_features


@torch.no_grad()
def test_tail__stands_behind_the_last_operator() -> None:
    backbone = build_backbone(BackboneConfig("tf_efficientnet_lite0", at_strides=[32]), 0).eval()
    assert backbone.operators["32"].gate.shape == (320,)
    assert backbone.num_features == backbone.channels[32] == 1280
    before = backbone(images(1))[32]
    backbone.operators["32"].gate.zero_()
    assert not torch.equal(backbone(images(1))[32], before)
    assert backbone.last_module == "network.bn2"


@pytest.mark.parametrize(("until", "trains"), [(16, True), (32, False)])
def test_tail__is_frozen_with_the_last_stride(until: int, trains: bool) -> None:
    backbone = build_backbone(BackboneConfig("tf_efficientnet_lite0"), seed=0)
    backbone.freeze(until)
    assert backbone.network.conv_head.weight.requires_grad is trains
    assert backbone.train().network.bn2.training is trains


def test_tail__has_the_depths_of_its_layers() -> None:
    depths = layer_depths("tf_efficientnet_lite0")
    assert depths["conv_head.weight"] == max(
        depth for key, depth in depths.items() if not key.startswith("classifier.")
    )
