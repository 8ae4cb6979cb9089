"""A finished run explains itself from its folder and the store, whatever its operator."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny import Load, run_quietly

from data_modules.phantom import lesion_mask
from matl.errors import MatlError
from matl.names import CHECKSUMS
from matl.orchestrator.explain_run import explain_run
from matl.orchestrator.finished_run import read_run
from matl.orchestrator.held_out import held_out
from matl.orchestrator.plan import make_plan

DIAGNOSIS = "chain=[diagnosis]"
COMMAND = "matl explain run"
ARMS = {
    "attention": ["stages.diagnosis.size=[45,33]", "backbone.at_strides=[16,32]"],
    "convolution": ["backbone.in_channels=3"],
    "none": ["stages.diagnosis.freeze=all"],
}
METHODS = {
    "attention": ["grad_cam", "attention_16", "attention_32"],
    "convolution": ["grad_cam"],
    "none": ["grad_cam"],
}


def explained(run: Path) -> tuple[dict, pd.DataFrame]:
    folder = explain_run(run, COMMAND)
    numbers = json.loads((folder / "explain.json").read_text())
    return numbers, pd.read_csv(folder / "attribution.csv")


@pytest.mark.parametrize("operator", ARMS)
def test_every_arm_is_explained(load_tiny: Load, operator: str) -> None:
    record, run, _ = run_quietly(
        load_tiny(DIAGNOSIS, f"backbone.operator={operator}", *ARMS[operator])
    )
    numbers, rows = explained(run)
    assert list(numbers["methods"]) == METHODS[operator]
    scores = record.scored.tables("test")["from scratch"]
    assert list(rows["image"]) == list(scores["image"])
    assert rows["score"].to_numpy() == pytest.approx(scores["score"].to_numpy(), rel=1e-4)
    right = (scores["score"] >= 0.5) == scores["label"]
    assert list(rows["outcome"] == "right") == list(right)
    assert "cka" not in numbers
    assert {row["method"] for row in numbers["pointing"]["results"]} == set(METHODS[operator])
    for method in METHODS[operator]:
        assert rows[method].dropna().between(0, 1).all()


def test_the_chain_is_compared_stage_by_stage_and_with_scratch(load_tiny: Load) -> None:
    _, run, _ = run_quietly(load_tiny("chain=[shapes,diagnosis]", "baselines=[scratch]"))
    numbers, rows = explained(run)
    pairs = {(row["first"], row["second"]) for row in numbers["cka"]["results"]}
    assert pairs == {("shapes", "diagnosis"), ("diagnosis", "diagnosis, from scratch")}
    assert {row["stride"] for row in numbers["cka"]["results"]} == {2, 4, 8, 16, 32}
    assert list(rows["model"].unique()) == ["chain", "from scratch"]
    assert rows.groupby("model")["case"].count().to_dict()["from scratch"] == 0
    files = {file.name for file in (run / "explain").iterdir()}
    assert files == {
        *("overlays.png", "cka.png", "embeddings.png"),
        *("attribution.csv", "explain.json", "explain.md", CHECKSUMS),
    }
    before = {file: file.read_bytes() for file in (run / "explain").iterdir()}
    explain_run(run, COMMAND)
    assert {file: file.read_bytes() for file in (run / "explain").iterdir()} == before


def test_lesions_are_those_of_the_phantom(load_tiny: Load) -> None:
    _, run, _ = run_quietly(load_tiny(DIAGNOSIS))
    seen = held_out(read_run(run))
    assert seen.split == "test"
    lesions = seen.pictures.lesions
    for number, file in enumerate(seen.samples.files()):
        whole = np.asarray(Image.open(lesion_mask(file))) > 0
        small = whole.reshape(32, 2, 32, 2).mean(axis=(1, 3))
        assert (lesions[number] <= (small > 0)).all()
        assert (lesions[number] >= (small == 1)).mean() > 0.97


def test_other_sources_know_no_lesion(load_tiny: Load) -> None:
    data = "stages.diagnosis.data.name=phantom_null"
    _, run, _ = run_quietly(load_tiny(DIAGNOSIS, data))
    numbers, _ = explained(run)
    assert "pointing" not in numbers


def test_images_that_changed_since_the_run_are_refused(load_tiny: Load, tmp_path: Path) -> None:
    root = tmp_path / "own"
    _, run, _ = run_quietly(load_tiny(DIAGNOSIS, f"data_root={root}"))
    file = make_plan(load_tiny(DIAGNOSIS, f"data_root={root}")).chain[0].samples.files()[-1]
    Image.fromarray(255 - np.asarray(Image.open(file))).save(file)
    with pytest.raises(MatlError, match="changed since the run"):
        explain_run(run, COMMAND)


def test_a_run_whose_stages_are_gone_says_so(load_tiny: Load, tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="no folder of a finished run"):
        explain_run(tmp_path, COMMAND)
    _, run, _ = run_quietly(load_tiny(DIAGNOSIS))
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(MatlError, match="run the experiment again"):
        explain_run(run, COMMAND)
