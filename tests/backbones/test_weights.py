import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from matl.backbones import (
    AttentiveBackbone,
    BackboneConfig,
    build_backbone,
    canonical_state,
    load_state,
    read_weights,
    save_weights,
)
from matl.errors import MatlError

NETWORKS = ("resnet18", "resnet50", "densenet121", "efficientnet_b0", "convnext_atto")
HEADS = ("fc.", "classifier.", "head.")


def backbone(operator: str = "attention", seed: int = 0, **settings: object) -> AttentiveBackbone:
    return build_backbone(BackboneConfig("resnet18", operator, **settings), seed).eval()


def images(channels: int = 1) -> Tensor:
    return torch.rand(2, channels, 64, 96, generator=torch.Generator().manual_seed(0))


@cache
def colour_state(name: str = "resnet18") -> dict[str, Tensor]:
    """Weights as timm stores them: three channels, with a classification head."""
    return timm.create_model(name, num_classes=10).state_dict()


@pytest.fixture
def colour_file(tmp_path: Path) -> str:
    save_file(colour_state(), tmp_path / "colour.safetensors")
    return str(tmp_path / "colour.safetensors")


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("name", NETWORKS)
def test_canonical_state__has_the_keys_of_timms_files(name: str) -> None:
    built = build_backbone(BackboneConfig(name, "none", in_channels=3), seed=0)
    travelling = {key for key in colour_state(name) if not key.startswith(HEADS)}
    assert canonical_state(built).keys() == travelling | {"mean", "std"}
    report = load_state(built, colour_state(name))
    report.raise_if_bad()
    assert set(report.loaded) == travelling
    assert all(
        torch.equal(canonical_state(built)[key], colour_state(name)[key]) for key in travelling
    )


def test_canonical_state__names_operators_by_stride() -> None:
    inserted = canonical_state(backbone()).keys() - canonical_state(backbone("none")).keys()
    assert {key.split(".")[1] for key in inserted if key.startswith("operators.")} == {"16", "32"}
    assert all(key.startswith("operators.") for key in inserted)


@pytest.mark.parametrize("operator", ["attention", "convolution", "none"])
def test_round_trip__through_a_file_is_exact(tmp_path: Path, operator: str) -> None:
    first, second = backbone(operator, seed=0), backbone(operator, seed=1)
    first.to(memory_format=torch.channels_last)
    save_weights(tmp_path / "weights.safetensors", canonical_state(first), {"stage": "natural"})
    state, metadata = read_weights(tmp_path / "weights.safetensors")
    load_state(second, state, heads=()).raise_if_bad()
    assert metadata == {"stage": "natural"}
    assert same(canonical_state(first), canonical_state(second))
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_load_state__reports_each_weight_once() -> None:
    built = backbone("none")
    before = {key: value.clone() for key, value in canonical_state(built).items()}
    state = canonical_state(backbone("none", seed=1))
    del state["layer1.0.conv1.weight"]
    state["layer2.0.conv1.weight"] = torch.zeros(2, 2)
    state["decoder.weight"] = state["fc.weight"] = torch.zeros(1)
    report = load_state(built, state)
    assert report.missing == ("layer1.0.conv1.weight",)
    assert report.unexpected == ("decoder.weight",)
    assert [clash.key for clash in report.clashing] == ["layer2.0.conv1.weight"]
    assert len(report.loaded) == len(before) - 2
    after = canonical_state(built)
    assert all(torch.equal(after[key], state[key]) for key in report.loaded)
    for key in ("layer1.0.conv1.weight", "layer2.0.conv1.weight"):
        assert torch.equal(after[key], before[key])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"conv1.weight": torch.zeros(64, 1, 3, 3)},
            r"conv1.weight is \(64, 1, 3, 3\) .* \(64, 1, 7, 7\)",
        ),
        ({"a": torch.zeros(1), "b": torch.zeros(1)}, r"backbone has no a \(and 1 more\)"),
        ({"bn1.weight": None}, r"bn1.weight is not in the file;"),
        ({"fc.weight": torch.zeros(1)}, r"backbone has no fc.weight;"),
    ],
)
def test_raise_if_bad__names_the_weight(change: dict[str, Tensor | None], message: str) -> None:
    state = canonical_state(backbone("none")) | change
    present = {key: value for key, value in state.items() if value is not None}
    with pytest.raises(MatlError, match=message) as error:
        load_state(backbone("none"), present, heads=()).raise_if_bad()
    assert "\n" not in str(error.value)


def test_load_state__accepts_files_without_batch_counts() -> None:
    built = backbone("none")
    state = canonical_state(backbone("none", seed=1))
    old = {key: value for key, value in state.items() if "num_batches" not in key}
    load_state(built, old).raise_if_bad()
    assert same(canonical_state(built), state)


@pytest.mark.parametrize("name", NETWORKS)
def test_load_state__adapts_colour_to_grey_as_timm_does(name: str, tmp_path: Path) -> None:
    path = tmp_path / "colour.safetensors"
    save_file(colour_state(name), path)
    overlay = {"file": str(path), "num_classes": 10}
    expected = timm.create_model(
        name, num_classes=10, in_chans=1, pretrained=True, pretrained_cfg_overlay=overlay
    ).state_dict()
    grey = build_backbone(BackboneConfig(name, "none", weights=str(path)), seed=0)
    own = canonical_state(grey)
    assert all(torch.equal(own[key], expected[key]) for key in own.keys() - {"mean", "std"})


@pytest.mark.parametrize("operator", ["attention", "convolution"])
def test_weights__operators_inserted_into_foreign_ones_change_no_bit(
    operator: str, colour_file: str
) -> None:
    plain = backbone("none", weights=colour_file)(images())
    inserted = backbone(operator, weights=colour_file)
    assert all(not op.gate.any() for op in inserted.operators.values())
    for stride, feature_map in inserted(images()).items():
        assert torch.equal(feature_map, plain[stride])


def test_weights__a_file_with_operators_brings_them_and_their_gates(tmp_path: Path) -> None:
    first = backbone(seed=3)
    save_weights(tmp_path / "own.safetensors", canonical_state(first), {})
    second = backbone(weights=str(tmp_path / "own.safetensors"))
    assert same(canonical_state(first), canonical_state(second))
    for other in ("convolution", "none"):
        with pytest.raises(MatlError, match=r"own.safetensors: weights do not fit: .*operators.16"):
            backbone(other, weights=str(tmp_path / "own.safetensors"))


def test_weights__of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(colour_state("convnext_atto"), tmp_path / "other.safetensors")
    with pytest.raises(
        MatlError, match=r"other.safetensors: weights do not fit: no known layout names a weight"
    ):
        backbone(weights=str(tmp_path / "other.safetensors"))


def test_read_weights__says_what_is_wrong_with_the_file(tmp_path: Path, colour_file: str) -> None:
    with pytest.raises(MatlError, match=r"there is no weights file .*absent"):
        read_weights(tmp_path / "absent")
    whole = Path(colour_file).read_bytes()
    torch.save(colour_state(), tmp_path / "pickle.pth")
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty").touch()
    for name in ("pickle.pth", "cut", "empty"):
        with pytest.raises(MatlError, match=f"{name} is damaged, or no safetensors file") as error:
            read_weights(tmp_path / name)
        assert "\n" not in str(error.value)


def test_save_weights__a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(path, {"a": torch.ones(2)}, {})
    with pytest.raises(TypeError):
        save_weights(path, {"a": torch.zeros(2)}, {"count": 1})
    assert torch.equal(read_weights(path)[0]["a"], torch.ones(2))


@pytest.mark.slow
def test_weights__timm_offline_says_how_to_go_on(tmp_path: Path) -> None:
    code = (
        "from matl.backbones import *; from matl.errors import MatlError\n"
        "try: build_backbone(BackboneConfig('resnet18', weights='timm'), 0)\n"
        "except MatlError as error: print(error)"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=offline, capture_output=True, text=True)
    assert done.stdout.startswith("backbone.weights: timm's weights of resnet18 cannot be had")
    assert "give the path of a safetensors file" in done.stdout
