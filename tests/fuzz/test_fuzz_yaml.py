"""Experiments, ablations and sweeps of any bytes and any values."""

from typing import Any

import pytest
import yaml
from fuzzed import HOSTILE, Place, assert_harmless, changed_tree, damaged_bytes, fuzz
from hypothesis import given
from hypothesis import strategies as st
from tiny import TINY
from tiny_ablation import ABLATION, KFOLD

SWEEP = """
program: matl
method: bayes
metric: {name: diagnosis/val/auroc, goal: maximize}
parameters:
  stages.diagnosis.lr: {distribution: log_uniform_values, min: 3.0e-5, max: 3.0e-3}
  stages.diagnosis.epochs: {values: [15, 30]}
command: [matl, run, tiny.yaml, "${args_no_hyphens}"]
"""
EXPERIMENT = TINY + "baselines: [scratch]\nlogger: {wandb: offline}\nextends: tiny.yaml\n"
FILES = {"experiment": EXPERIMENT, "ablation": ABLATION.replace("splits:\n", KFOLD), "sweep": SWEEP}
COMMANDS = {
    "experiment": ["plan"],
    "ablation": ["ablate", "--dry-run"],
    "sweep": ["sweep", "--dry-run"],
}


def written(tree: Any) -> bytes:
    return yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "surrogatepass")


def hostile_files(text: str) -> st.SearchStrategy[bytes]:
    """A file of damaged bytes, or a whole one of hostile values."""
    changed = changed_tree(yaml.safe_load(text), changes=3)
    return damaged_bytes(text.encode()) | changed.map(written)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
@fuzz(100)
@given(data=st.data())
def test_a_file_is_planned_or_refused(finished: Place, kind: str, data: st.DataObject) -> None:
    (finished.folder / "fuzz.yaml").write_bytes(data.draw(hostile_files(FILES[kind])))
    command, *options = COMMANDS[kind]
    assert_harmless(finished.run(command, "fuzz.yaml", *options))


NAMES = ["seed", "name", "chain", "chain[0]", "data_root", "", "no.such.key"]
NAMES += ["backbone.name", "backbone.at_strides", "trainer", "trainer.devices", "logger.wandb"]
NAMES += ["stages", "stages.x.lr", "stages.lung.size", "stages.lung.regions"]
NAMES += ["stages.diagnosis.data", "stages.diagnosis.data.options"]
overrides = st.tuples(
    st.sampled_from(NAMES) | st.text(max_size=8),
    st.sampled_from(["=", "==", "", " = "]),
    st.sampled_from([str(value) for value in HOSTILE]) | st.text(max_size=12),
).map("".join)


@pytest.mark.slow
@fuzz(100)
@given(words=st.lists(overrides, min_size=1, max_size=3))
def test_settings_are_taken_or_refused(finished: Place, words: list[str]) -> None:
    sent = [word.replace("\x00", "").encode("utf-8", "replace").decode() for word in words]
    assert_harmless(finished.run("plan", "tiny.yaml", "--", *sent))
