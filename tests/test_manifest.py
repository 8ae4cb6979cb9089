"""What a store keeps beside a stage's weights."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matl.errors import MatlError
from matl.manifest import FORMAT, StageManifest, read_manifest, write_manifest
from matl.names import MANIFEST

STAGE = StageManifest(
    format=FORMAT,
    fingerprint="0123456789abcdef",
    parent=None,
    experiment="demo",
    stage="xray",
    part=2,
    task="source",
    data="phantom_xray",
    classes=["a", "b"],
    positive=None,
    counts={"train": 20},
    patients=20,
    notes=[],
    settings={"size": 96},
    backbone={"name": "resnet18"},
    facts={},
    batch_size=32,
    epochs=2,
    seconds=1.5,
    images_per_second=20.0,
    peak_memory_mb=100.0,
    metric={"name": "val/accuracy", "value": 0.5},
    identity={"stage": {"task": "source"}},
    trainer={"threads": 2},
    finished="2026-11-25T00:00:00Z",
    versions={"torch": "2.15.0"},
    commit=None,
    machine={"cores": 2},
    wandb=None,
)


def test_it_is_read_back(tmp_path: Path) -> None:
    write_manifest(STAGE, tmp_path)
    assert read_manifest(tmp_path) == STAGE


def test_one_of_an_older_version_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"fingerprint": "0123456789abcdef", "task": "source"}')
    with pytest.raises(MatlError, match="another version of matl") as error:
        read_manifest(tmp_path)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "1e999", "[" * 100_000])
def test_what_is_no_manifest_is_damaged(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(MatlError, match="is damaged"):
        read_manifest(tmp_path)


def test_a_manifest_that_never_ends_is_damaged(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).symlink_to("/dev/zero")
    with pytest.raises(MatlError, match=r"is damaged: manifest\.json: is no regular file"):
        read_manifest(tmp_path)


@given(st.integers(0), st.integers(0, 7))
def test_no_flipped_bit_is_believed(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    write_manifest(STAGE, folder)
    content = bytearray((folder / MANIFEST).read_bytes())
    content[place % len(content)] ^= 1 << bit
    (folder / MANIFEST).write_bytes(content)
    with suppress(MatlError):
        assert read_manifest(folder) == STAGE


LEAVES = ["parent", "part", "classes", "counts", "seconds", "metric", "identity", "wandb", "notes"]
OTHER = st.sampled_from([None, 1, "x", True, 0.5, [], {}, [1], {"a": []}])


@given(st.sampled_from(LEAVES), OTHER)
def test_an_edited_value_is_refused_or_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, leaf: str, value: object
) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    write_manifest(STAGE, folder)
    values = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(values | {leaf: value}))
    with suppress(MatlError):
        assert read_manifest(folder) == STAGE
