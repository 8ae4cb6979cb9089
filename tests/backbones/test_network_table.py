"""The shipped table agrees with timm and MONAI, of the versions that it was made with alone."""

import json
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import timm

from matl.backbones import network_table
from matl.backbones.lookup import look_up
from matl.backbones.monai_networks import NAMES
from matl.backbones.network_table import FILE, FeatureMaps, Table, shipped

FAMILIES = (
    *("resnet18", "resnet26t", "seresnext50_32x4d", "densenet121", "efficientnet_b0"),
    *("efficientnet_lite0", "mobilenetv3_small_050", "convnext_atto", "regnetx_002", "dpn68"),
    *("poolformer_s12", "eca_botnext26ts_256", "res2net50_26w_4s", "dla34", "vgg11_bn"),
    *("tf_efficientnet_lite0", "resnetv2_18", "ghostnet_050", "monai/seresnet50"),
)
LARGEST = 400_000


@pytest.fixture
def whole() -> Table:
    return Table(**json.loads(FILE.read_text()))


@pytest.fixture
def current(whole: Table) -> Table:
    for library in ("timm", "monai"):
        if (made := getattr(whole, library)) != version(library):
            again = "run python -m matl.backbones.make_table"
            pytest.skip(f"the table is of {library} {made}: {again}")
    return whole


@pytest.mark.parametrize("name", FAMILIES)
def test_shipped__agrees_with_timm(name: str, current: Table) -> None:
    row = current.networks[name]
    assert row is not None
    assert FeatureMaps.from_row(row) == look_up(name)


def test_shipped__names_every_network(current: Table) -> None:
    assert list(current.networks) == [*timm.list_models(), *NAMES]
    assert all(current.networks[name] is not None for name in NAMES)
    assert sum(row is not None for row in current.networks.values()) > 400


def test_shipped__is_small_and_has_one_line_per_network(whole: Table) -> None:
    assert FILE.stat().st_size < LARGEST
    assert FILE.read_text() == whole.to_text()
    lines = FILE.read_text().splitlines()
    assert sum(line.startswith('"resnet18":') for line in lines) == 1


@pytest.fixture
def read_again() -> Iterator[None]:
    shipped.cache_clear()
    yield
    shipped.cache_clear()


@pytest.mark.parametrize(("other", "same"), [("timm", "monai"), ("monai", "timm")])
def test_shipped__says_nothing_of_another_version(
    other: str, same: str, whole: Table, monkeypatch: pytest.MonkeyPatch, read_again: None
) -> None:
    installed = {other: "0.9", same: getattr(whole, same)}
    monkeypatch.setattr(network_table, "version", installed.__getitem__)
    assert shipped(other) is None
    assert shipped(same) == whole


@pytest.mark.parametrize("only_size", [None, (256, 224)])
@pytest.mark.parametrize(("tail", "num_features"), [((), 16), (("conv", "norm"), 64)])
def test_feature_maps__are_the_same_from_their_row(
    tail: tuple[str, ...], num_features: int, only_size: tuple[int, int] | None
) -> None:
    maps = FeatureMaps(
        stride_of={"stem": 2, "layer1": 4, "layer2": 4},
        channels={2: 8, 4: 16},
        tail=tail,
        num_features=num_features,
        mean=(0.5,),
        std=(0.2,),
        only_size=only_size,
        names_layers=False,
        depthwise=bool(tail),
    )
    assert FeatureMaps.from_row(json.loads(json.dumps(maps.to_row()))) == maps
