"""Files that the real libraries write, loaded with equal outputs before and after."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from foreign_files import (
    FILES,
    GREY,
    assert_equal,
    checkpoint,
    images,
    moco,
    radimagenet_resnet,
    save,
    settled,
    torchvision_resnet,
    xrayvision_densenet,
)
from safetensors.torch import save_file
from torch import Tensor

from matl.backbones import AttentiveBackbone, BackboneConfig, build_backbone, canonical_state
from matl.backbones.conversion import contents_table, convert, fit_table
from matl.backbones.foreign import load_initial_weights, read_foreign
from matl.errors import MatlError
from matl.stages.ssl.multi_scale.method import MultiScaleConfig
from matl.stages.ssl.multi_scale.stage import MultiScaleStage


def backbone_of(path: Path, network: str, channels: int, operator: str) -> AttentiveBackbone:
    config = BackboneConfig(network, operator, in_channels=channels, weights=str(path))
    return build_backbone(config, seed=0).eval()


@pytest.mark.parametrize("write", FILES, ids=lambda write: write.__name__)
@torch.no_grad()
def test_a_file_gives_the_outputs_of_its_library(
    write: Callable[[Path], tuple[Path, Tensor, str]], tmp_path: Path
) -> None:
    path, expected, network = write(tmp_path)
    channels = 1 if write in GREY else 3
    backbone = backbone_of(path, network, channels, "attention")
    assert_equal(backbone(images(channels))[32], expected)


@pytest.mark.parametrize(
    "write", [torchvision_resnet, xrayvision_densenet], ids=lambda write: write.__name__
)
@torch.no_grad()
def test_a_converted_file_gives_the_same_outputs(
    write: Callable[[Path], tuple[Path, Tensor, str]], tmp_path: Path
) -> None:
    path, expected, network = write(tmp_path)
    converted = tmp_path / "converted.safetensors"
    convert(path, converted, network)
    channels = 1 if write in GREY else 3
    backbone = backbone_of(converted, network, channels, "attention")
    assert_equal(backbone(images(channels))[32], expected)


@pytest.mark.parametrize("network", ["efficientnet_b0", "convnext_atto"])
def test_a_network_of_depthwise_kernels_is_converted_in_colour(
    network: str, tmp_path: Path
) -> None:
    save_file(timm.create_model(network).state_dict(), tmp_path / "timm.safetensors")
    convert(tmp_path / "timm.safetensors", tmp_path / "own.safetensors", network)
    backbone_of(tmp_path / "own.safetensors", network, 3, "none")
    with pytest.raises(MatlError, match="would replace the file that is converted"):
        convert(tmp_path / "own.safetensors", tmp_path / "own.safetensors", network)
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(MatlError, match="cannot be written"):
        convert(tmp_path / "timm.safetensors", tmp_path / "folder.safetensors", network)


def test_a_checkpoint_of_a_stage_is_read_with_its_operators(tmp_path: Path) -> None:
    """Lightning's own file of a stage, which has heads and a momentum copy."""
    first = build_backbone(BackboneConfig("resnet18"), seed=3)
    config = MultiScaleConfig(part=3, task="lung_ssl", epochs=1)
    file = checkpoint(MultiScaleStage(first, config, seed=0, images=8), tmp_path)
    first = build_backbone(BackboneConfig("resnet18"), seed=3)
    second = build_backbone(BackboneConfig("resnet18"), seed=5)
    load_initial_weights(second, file)
    own, given = canonical_state(second), canonical_state(first)
    assert own.keys() == given.keys()
    assert all(torch.equal(own[key], given[key]) for key in own)


def test_colour_normalisation_of_a_file_is_kept_and_made_grey(tmp_path: Path) -> None:
    path, _, _ = radimagenet_resnet(tmp_path)
    grey = backbone_of(path, "resnet18", 1, "none")
    assert grey.network.mean.item() == grey.network.std.item() == 0.5


class Program:
    """What torch.load would execute, were it let to."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (Path.touch, (Path("executed"),))


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path, {"state_dict": Program()})
    with pytest.raises(
        MatlError, match=r"weights.pth holds a pickled program; save the state_dict"
    ):
        backbone_of(path, "resnet18", 3, "none")
    assert not Path("executed").exists()


def test_a_pickled_network_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = save(tmp_path, torchvision.models.resnet18())
    with pytest.raises(MatlError, match=r"save the state_dict\(\) of what it holds"):
        backbone_of(path, "resnet18", 3, "none")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged, or no file of weights"),
        (b"no weights", "is damaged"),
        ({"epoch": 3}, "holds no weights where matl looks for them; it has: epoch"),
        ({1: torch.zeros(2)}, "holds no weights"),
        ({"decoder.weight": torch.zeros(2)}, "no known layout names a weight of this network"),
        ({"conv1.weight": torch.zeros(64, 3, 5, 5)}, r"conv1.weight is \(64, 3, 5, 5\)"),
    ],
)
def test_a_wrong_file_is_one_line(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        save(tmp_path, content)
    with pytest.raises(MatlError, match=message) as error:
        backbone_of(path, "resnet18", 3, "none")
    assert "\n" not in str(error.value)
    assert "weights.pth" in str(error.value)


@pytest.mark.parametrize("network", ["resnetv2_18", "mobilenetv4_conv_small_035", "dpn48b"])
@torch.no_grad()
def test_what_timm_has_behind_the_last_map_is_no_mistake(network: str, tmp_path: Path) -> None:
    classifier = settled(timm.create_model(network))
    save_file(classifier.state_dict(), tmp_path / "timm.safetensors")
    backbone = backbone_of(tmp_path / "timm.safetensors", network, 3, "none")
    own = canonical_state(backbone)
    for key, value in classifier.state_dict().items():
        assert key not in own or torch.equal(own[key], value)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path, _, _ = torchvision_resnet(tmp_path)
    state = torch.load(path, weights_only=True)
    state["layer2.0.conv1.weight"][0, 0, 0, 0] = torch.nan
    torch.save(state, path)
    with pytest.raises(MatlError, match=r"layer2\.0\.conv1.* not finite"):
        backbone_of(path, "resnet18", 3, "none")
    with pytest.raises(MatlError, match=r"layer2\.0\.conv1.* not finite"):
        convert(path, tmp_path / "own.safetensors", "resnet18")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path, _, _ = torchvision_resnet(tmp_path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(MatlError, match="is damaged"):
        backbone_of(path, "resnet18", 3, "none")


def test_inspection_tells_what_is_there_and_how_it_fits(tmp_path: Path) -> None:
    path, _, _ = moco(tmp_path)
    assert "module.encoder_q" in list(map(str, contents_table(path).columns[0].cells))
    fit = fit_table(path, "resnet18")
    counts = dict(zip(fit.columns[0].cells, fit.columns[1].cells, strict=True))
    assert counts["missing"] == counts["unexpected"] == counts["clashing"] == "0"
    assert fit.caption == "layout: MoCo"
    wrong = fit_table(path, "resnet50")
    assert dict(zip(wrong.columns[0].cells, wrong.columns[1].cells, strict=True))["clashing"] != "0"
    with pytest.raises(MatlError, match="weights do not fit"):
        convert(path, tmp_path / "out.safetensors", "resnet50")
    with pytest.raises(MatlError, match="no such folder"):
        convert(path, tmp_path / "nowhere" / "out.safetensors", "resnet18")
    with pytest.raises(MatlError, match="end the name so"):
        convert(path, tmp_path / "out.pth", "resnet18")


def odd(kind: str) -> dict[str, Any]:
    """A state of resnet10t with one weight of another kind."""
    state = timm.create_model("resnet10t").state_dict()
    key, bn = "layer1.0.conv1.weight", "layer1.0.bn1.running_var"
    changes: dict[str, Any] = {
        "sparse": {key: state[key].to_sparse()},
        "quantised": {key: torch.quantize_per_tensor(state[key], 0.1, 0, torch.qint8)},
        "of int8": {key: state[key].to(torch.int8)},
        "of complex64": {key: state[key].to(torch.complex64)},
        "not finite": {key: state[key] * float("nan")},
        "below 0": {bn: state[bn] - 2},
    }
    return state | changes[kind]


KINDS = ["sparse", "quantised", "of int8", "of complex64", "not finite", "below 0"]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_kind_are_one_line(tmp_path: Path, kind: str) -> None:
    torch.save(odd(kind), tmp_path / "odd.pth")
    backbone = build_backbone(BackboneConfig("resnet10t", "none", in_channels=3), seed=0)
    with pytest.raises(MatlError, match=kind) as error:
        load_initial_weights(backbone, tmp_path / "odd.pth")
    assert str(error.value).startswith(f"{tmp_path / 'odd.pth'}: 'layer1.0.")
    assert len(str(error.value).splitlines()) == 1


def test_weights_without_values_are_shown_as_they_are(tmp_path: Path) -> None:
    state = dict.fromkeys(timm.create_model("resnet10t").state_dict(), torch.zeros(0))
    torch.save(state, tmp_path / "empty.pth")
    with pytest.raises(MatlError, match=r"empty\.pth"):
        convert(tmp_path / "empty.pth", tmp_path / "own.safetensors", "resnet10t")


@pytest.mark.parametrize("prefix", ["net.", "encoder.", "model.encoder.", "student.backbone_q."])
def test_names_behind_an_unknown_beginning_are_given_a_remedy(tmp_path: Path, prefix: str) -> None:
    state = timm.create_model("resnet10t").state_dict()
    torch.save({f"{prefix}{key}": value for key, value in state.items()}, tmp_path / "a.pth")
    backbone = build_backbone(BackboneConfig("resnet10t", "none", in_channels=3), seed=0)
    with pytest.raises(MatlError, match=rf"begin with '{prefix}'.*removeprefix\('{prefix}'\)"):
        load_initial_weights(backbone, tmp_path / "a.pth")


def test_files_without_an_end_or_a_weight_are_one_line(tmp_path: Path) -> None:
    loop: dict[str, Any] = {}
    loop["model"] = loop
    torch.save(loop, tmp_path / "loop.pt")
    save_file({}, tmp_path / "empty.safetensors")
    torch.save({}, tmp_path / "empty.pt")
    torch.save({"state_dict": {"a": torch.empty(2, device="meta")}}, tmp_path / "meta.pt")
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "zero.safetensors").symlink_to("/dev/zero")
    expected = {
        "loop.pt": "holds no weights where matl looks",
        "empty.safetensors": "holds no weights",
        "empty.pt": "holds no weights",
        "meta.pt": "'a' is without values|holds no weights|is damaged",
        "pipe.pt": "is no regular file",
        "zero.safetensors": "is no regular file",
    }
    for name, line in expected.items():
        with pytest.raises(MatlError, match=line):
            read_foreign(tmp_path / name)
