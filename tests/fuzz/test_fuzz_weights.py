"""Weights files of any bytes."""

import io

import pytest
import timm
import torch
from fuzzed import Place, assert_harmless, damaged_bytes, fuzz
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

STATE = timm.create_model("resnet10t").state_dict()
SMALL = {key: value for key, value in STATE.items() if value.numel() < 1000}


def saved(content: object, **options: bool) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


FILES = {
    "whole.safetensors": save(STATE, {"format": "pt"}),
    "small.safetensors": save(SMALL, {"format": "pt"}),
    "small.pth": saved({"state_dict": SMALL, "epoch": 3}),
    "old.pth": saved(SMALL, _use_new_zipfile_serialization=False),
}
names = st.sampled_from(sorted(FILES))


@st.composite
def hostile_weights(draw: st.DrawFn) -> tuple[str, bytes]:
    """A weights file of which a few bytes, most often those of its head, are others."""
    name = draw(names)
    content = FILES[name]
    head = draw(st.sampled_from([16, 200, 4000, len(content)]))
    return name, draw(damaged_bytes(content[:head])) + content[head:]


COMMANDS = [
    ["weights", "inspect", "FILE"],
    ["weights", "inspect", "FILE", "--network", "resnet10t"],
    ["weights", "convert", "FILE", "made.safetensors", "--network", "resnet10t"],
    ["plan", "scans.yaml", "backbone.weights=FILE"],
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@fuzz(24)
@given(weights=hostile_weights())
def test_weights_are_read_or_refused(
    scans: Place, command: list[str], weights: tuple[str, bytes]
) -> None:
    name, content = weights
    (scans.folder / name).write_bytes(content)
    (scans.folder / "made.safetensors").unlink(missing_ok=True)
    assert_harmless(scans.run(*(word.replace("FILE", name) for word in command)))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["backbone.safetensors", "heads.safetensors", "scores.csv"])
@fuzz(6)
@given(data=st.data())
def test_a_damaged_stage_is_found(finished: Place, part: str, data: st.DataObject) -> None:
    file = min(finished.folder.glob(f"store/*/{part}"))
    content = file.read_bytes()
    damaged = data.draw(damaged_bytes(content[:2000]))
    if damaged == content[:2000]:
        return
    file.write_bytes(damaged + content[2000:])
    try:
        assert_harmless(finished.run("store", "check", "--store", "store"), codes=[2])
    finally:
        file.write_bytes(content)
