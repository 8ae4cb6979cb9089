"""The card of weights: written with a file, read without torch, kept by a conversion."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from matl.backbones import BackboneConfig, save_weights
from matl.backbones.card import WeightsCard, card_of, normalisation, read_card
from matl.backbones.contents import contents_of
from matl.backbones.conversion import contents_table, convert
from matl.errors import MatlError

CARD = WeightsCard(
    source="a paper",
    licence="CC-BY-4.0",
    trained_on=("covid_ct", "luna16_slices"),
    classes=("healthy", "ill"),
    size=(224, 192),
    fit="pad",
    window=("lung",),
    channels=1,
    mean=(0.25,),
    std=(0.5,),
)
LATER = ("contents", "unknown")
names = st.lists(st.text(max_size=4), max_size=2).map(tuple)
channels = st.lists(st.tuples(st.floats(-9, 9), st.floats(0.001, 9)), max_size=3)


def with_normalisation(pairs: list[tuple[float, float]], **known: Any) -> WeightsCard:
    mean, std = zip(*pairs, strict=True) if pairs else ((), ())
    return WeightsCard(mean=mean, std=std, **known)


cards = st.builds(
    with_normalisation,
    pairs=channels,
    source=st.text(max_size=9),
    licence=st.none() | st.text(max_size=4),
    trained_on=names,
    classes=names,
    size=st.none() | st.tuples(st.integers(1, 999), st.integers(1, 999)),
    fit=st.sampled_from([None, "crop", "stretch"]),
    window=names,
    channels=st.sampled_from([None, 1, 3]),
    contents=st.lists(st.builds(contents_of, st.text(max_size=4), names), max_size=2).map(tuple),
    unknown=names,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.safetensors"


@given(card=cards)
def test_read_card__is_the_one_that_was_written(
    card: WeightsCard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "card.safetensors"
    save_weights(file, {"a": torch.zeros(1)}, {"stage": "natural", **card.as_text()})
    assert read_card(file) == card


def test_read_card__of_an_earlier_version_has_no_contents(file: Path) -> None:
    values = {key: value for key, value in asdict(CARD).items() if key not in LATER}
    save_weights(file, {"a": torch.zeros(1)}, {"card": json.dumps(values)})
    assert read_card(file) == CARD


def test_read_card__needs_no_torch(file: Path) -> None:
    save_weights(file, {"mean": torch.full((1, 1, 1, 1), 0.25)}, CARD.as_text())
    code = (
        "import sys; from matl.backbones import BackboneConfig; from matl.backbones.card import *\n"
        f"config = BackboneConfig(weights={str(file)!r})\n"
        "print(card_of(config).licence, normalisation(config)[0], 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "CC-BY-4.0 (0.25,) False"


def test_read_card__other_files_have_none(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    torch.save({"a": torch.zeros(1)}, tmp_path / "foreign.pth")
    assert read_card(tmp_path / "foreign.safetensors") is None
    assert read_card(tmp_path / "foreign.pth") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"source": 3}', '{"source": "a", "mean": "b"}'),
        *('{"source": "a", "size": [0, 0]}', '{"source": "a", "channels": 2}'),
        *('{"source": "a", "mean": [0.1], "std": [0.0]}', '{"source": "a", "mean": [0.1]}'),
    ],
)
def test_read_card__a_card_of_another_form_is_one_line(text: str, file: Path) -> None:
    save_weights(file, {"a": torch.zeros(1)}, {"card": text})
    with pytest.raises(MatlError, match=r"own\.safetensors: its card cannot be read") as error:
        read_card(file)
    assert "\n" not in str(error.value)


def test_read_card__a_damaged_file_is_one_line(file: Path) -> None:
    file.write_bytes(b"no weights")
    with pytest.raises(MatlError, match="is damaged, or no safetensors file"):
        read_card(file)


def test_card_of__what_the_settings_begin_from(file: Path) -> None:
    save_weights(file, {"a": torch.zeros(1)}, CARD.as_text())
    assert card_of(BackboneConfig()) is None
    assert card_of(BackboneConfig(weights=str(file))) == CARD
    of_timm = card_of(BackboneConfig("resnet18", weights="timm"))
    assert of_timm is not None
    assert of_timm.mean == (0.485, 0.456, 0.406)


def test_card_of__a_wheel_names_licence_data_size_and_normalisation() -> None:
    config = BackboneConfig("tf_efficientnet_lite1", weights="imagenet")
    try:
        card = card_of(config)
    except MatlError as error:
        pytest.skip(str(error))
    assert card is not None
    assert (card.licence, card.trained_on) == ("Apache-2.0", ("imagenet_1k",))
    assert (card.size, card.channels, set(card.mean + card.std)) == ((240, 240), 3, {0.5})
    assert normalisation(config) == (card.mean, card.std)


@pytest.mark.parametrize("value", [torch.zeros(0), torch.zeros(4, 4), torch.zeros(1).bfloat16()])
def test_normalisation__a_weight_of_that_name_is_none(value: torch.Tensor, file: Path) -> None:
    save_file({"mean": value}, file)
    assert normalisation(BackboneConfig(weights=str(file)))[0] == (0.485, 0.456, 0.406)


def test_convert__keeps_the_card_and_says_what_it_knows(tmp_path: Path, file: Path) -> None:
    save_file(timm.create_model("resnet10t").state_dict(), tmp_path / "timm.safetensors")
    convert(tmp_path / "timm.safetensors", file, "resnet10t")
    made = read_card(file)
    assert made is not None
    assert (made.channels, made.trained_on, len(made.mean)) == (3, (), 3)
    assert "timm.safetensors" in made.source
    state = timm.create_model("resnet10t").state_dict()
    save_weights(tmp_path / "carded.safetensors", state, CARD.as_text())
    convert(tmp_path / "carded.safetensors", file, "resnet10t")
    kept = read_card(file)
    assert kept is not None
    assert (kept.licence, kept.trained_on) == (CARD.licence, CARD.trained_on)
    assert kept.mean == pytest.approx((0.485, 0.456, 0.406))


def test_inspection_shows_the_card(file: Path) -> None:
    save_weights(file, {"a": torch.zeros(1)}, CARD.as_text())
    shown = str(contents_table(file).caption)
    for words in ("a paper", "licence: CC-BY-4.0", "trained on: covid_ct, luna16_slices"):
        assert words in shown
    assert json.loads(CARD.as_text()["card"])["size"] == [224, 192]
