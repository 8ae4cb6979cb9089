"""MONAI's networks as backbones: its own maps, keys and files."""

from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from matl.backbones import (
    BackboneConfig,
    build_backbone,
    canonical_state,
    check_config,
    feature_maps,
)
from matl.backbones.maps import network_names
from matl.backbones.monai_networks import NAMES, make, places
from matl.errors import MatlError

ONE_OF_EACH = ("monai/densenet121", "monai/resnet18", "monai/seresnet50", "monai/seresnext50")
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
HEADS = ("class_layers.", "fc.", "last_linear.")


@cache
def classifier(name: str) -> nn.Module:
    """MONAI's own network, with norms that are not those of a new one."""
    torch.manual_seed(0)
    network = make(name, in_channels=3).train()
    with torch.no_grad():
        network(torch.randn(2, 3, 64, 64))
    return network.eval()


@pytest.fixture(params=ONE_OF_EACH)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def file(name: str, tmp_path: Path) -> str:
    save_file(classifier(name).state_dict(), tmp_path / "monai.safetensors")
    return str(tmp_path / "monai.safetensors")


def images() -> Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_a_file_of_monais_gives_monais_maps(name: str, file: str) -> None:
    wanted: list[Tensor] = []
    hooks = [
        classifier(name)
        .get_submodule(place)
        .register_forward_hook(lambda module, given, returned: wanted.append(returned.clone()))
        for place in places(name)
    ]
    classifier(name)((images() - MEAN) / STD)
    for hook in hooks:
        hook.remove()
    for operator in ("none", "attention"):
        config = BackboneConfig(name, operator, [8, 16], in_channels=3, weights=file)
        maps = build_backbone(config, seed=0).eval()(images())
        assert [64 // one.shape[2] for one in maps.values()] == list(maps)
        for given, expected in zip(maps.values(), wanted, strict=True):
            torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-4)


def test_keys_are_monais_own_without_its_head(name: str) -> None:
    own = canonical_state(build_backbone(BackboneConfig(name, "none", [], in_channels=3), seed=0))
    wanted = {key for key in classifier(name).state_dict() if not key.startswith(HEADS)}
    assert own.keys() == wanted | {"mean", "std"}


def test_loading_is_strict(name: str, tmp_path: Path) -> None:
    state = dict(classifier(name).state_dict())
    lost = [key for key, value in state.items() if value.ndim == 4][3]
    del state[lost]
    save_file(state, tmp_path / "monai.safetensors")
    config = BackboneConfig(name, "none", [], in_channels=3)
    config.weights = str(tmp_path / "monai.safetensors")
    with pytest.raises(MatlError, match=rf"{lost} is not in the file"):
        build_backbone(config, seed=0)


def test_a_grey_backbone_takes_a_colour_file(name: str, file: str) -> None:
    config = BackboneConfig(name, "none", [], in_channels=1, weights=file)
    assert build_backbone(config, seed=0).in_channels == 1


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_arms_share_their_initial_weights(name: str, operator: str) -> None:
    plain, inserted = (
        canonical_state(build_backbone(BackboneConfig(name, one, [8, 16]), seed=0))
        for one in ("none", operator)
    )
    assert all(torch.equal(inserted[key], value) for key, value in plain.items())


@pytest.mark.parametrize("name", NAMES)
def test_every_network_has_maps_at_strides(name: str) -> None:
    strides = list(feature_maps(name).channels)
    assert strides == sorted(strides)
    assert {4, 8, 16} <= set(strides)
    check_config(BackboneConfig(name, at_strides=[8, 16]))
    assert name in network_names()


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(MatlError, match="no 'monai/densnet121'; did you mean 'monai/densenet121'"):
        check_config(BackboneConfig("monai/densnet121"))
    with pytest.raises(MatlError, match="no 'qqqqqq'; matl networks lists them"):
        check_config(BackboneConfig("qqqqqq"))


def test_a_name_of_monais_has_no_tag() -> None:
    with pytest.raises(MatlError, match=r"there is no .monai/resnet18\.a1.; did you mean"):
        check_config(BackboneConfig("monai/resnet18.a1", "none", []))


def test_timms_weights_are_refused() -> None:
    with pytest.raises(MatlError, match="timm has none of monai/resnet18; give the path"):
        check_config(BackboneConfig("monai/resnet18", at_strides=[16], weights="timm"))
