"""A network is looked up once, and no further than needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matl.backbones import lookup, maps
from matl.backbones.maps import feature_maps, network_names
from matl.errors import MatlError
from matl.kept import FILE


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MATL_CACHE_HOME", str(tmp_path))
    feature_maps.cache_clear()
    yield tmp_path / FILE
    feature_maps.cache_clear()


def no_look(name: str) -> None:
    raise AssertionError(f"{name} was looked up")


def test_feature_maps__of_the_table_are_not_looked_up(
    monkeypatch: pytest.MonkeyPatch, nothing_kept: Path
) -> None:
    monkeypatch.setattr(lookup, "look_up", no_look)
    assert feature_maps("resnet18").channels == {2: 64, 4: 64, 8: 128, 16: 256, 32: 512}
    assert not nothing_kept.exists()


@pytest.mark.parametrize("name", ["resnet18", "resnet18.a1_in1k"])
def test_feature_maps__others_are_looked_up_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_table = feature_maps("resnet18")
    monkeypatch.setattr(maps, "shipped", lambda *_: None)
    feature_maps.cache_clear()
    assert feature_maps(name) == of_the_table
    feature_maps.cache_clear()
    monkeypatch.setattr(lookup, "look_up", no_look)
    assert feature_maps(name) == of_the_table


def test_feature_maps__a_network_that_cannot_be_a_backbone_is_not_kept(nothing_kept: Path) -> None:
    with pytest.raises(MatlError, match="not a sequence of convolutional stages"):
        feature_maps("vit_tiny_patch16_224")
    assert not nothing_kept.exists()


def test_network_names__are_the_same_without_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_table = network_names()
    monkeypatch.setattr(maps, "shipped", lambda *_: None)
    assert network_names() == of_the_table
