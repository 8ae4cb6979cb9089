"""A chain runs once; what is finished is reused, and what is reused is named."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import Load, run_quietly

from matl.errors import MatlError
from matl.names import BACKBONE
from matl.orchestrator.fingerprints import reason
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store


def finished(store: Path) -> dict[str, str]:
    """When each stage of a store was finished, by its fingerprint."""
    stages = Store(store)
    return {entry: stages.manifest(entry).finished for entry in stages}


def trained(shown: str) -> list[str]:
    return re.findall(r"^(\w[\w, ]*): training", shown, flags=re.MULTILINE)


def test_a_chain_runs_and_then_is_reused(load_tiny: Load, tmp_path: Path) -> None:
    experiment = load_tiny("baselines=[scratch]")
    record, folder, shown = run_quietly(experiment)
    assert trained(shown) == ["shapes", "lung", "diagnosis", "diagnosis, from scratch"]
    assert list(record.scored.models) == ["chain", "from scratch", "floor"]
    before = finished(tmp_path / "store")

    again, same_folder, shown = run_quietly(experiment)
    assert trained(shown) == []
    assert finished(tmp_path / "store") == before
    assert same_folder == folder
    assert again.stages == record.stages
    assert again.scored.results("test") == record.scored.results("test")
    for name in ("report.md", "metrics.json", "predictions.csv", "manifest.json", "report.html"):
        assert (folder / name).stat().st_size > 0


def test_another_experiment_reuses_a_shared_beginning(load_tiny: Load) -> None:
    run_quietly(load_tiny("chain=[shapes,diagnosis]"))
    other = load_tiny("name=other", "stages.diagnosis.epochs=1", "chain=[shapes,diagnosis]")
    record, folder, shown = run_quietly(other)
    assert trained(shown) == ["diagnosis"]
    assert [row.reused for row in record.stages] == ["tiny", None]
    assert "| tiny |" in (folder / "report.md").read_text()


def test_fresh_trains_again_and_ends_with_the_same_weights(load_tiny: Load, tmp_path: Path) -> None:
    experiment = load_tiny("chain=[lung,diagnosis]")
    run_quietly(experiment)
    store = Store(tmp_path / "store")
    weights = {entry: load_file(store.entry(entry) / BACKBONE) for entry in store}
    _, _, shown = run_quietly(experiment, fresh=True)
    assert trained(shown) == ["lung", "diagnosis"]
    for entry, before in weights.items():
        after = load_file(store.entry(entry) / BACKBONE)
        assert all(after[key].equal(value) for key, value in before.items())
    assert not list((tmp_path / "store" / "unfinished").glob("*/"))


def test_through_a_part_runs_no_more(load_tiny: Load) -> None:
    record, folder, shown = run_quietly(load_tiny(), through=1)
    assert trained(shown) == ["shapes"]
    assert record.scored.models == {}
    assert "shapes" in (folder / "report.md").read_text()


def test_a_transfer_of_operators_is_another_stage_than_a_transfer_of_all(load_tiny: Load) -> None:
    words = ("chain=[shapes,diagnosis]", "baselines=[scratch]")
    whole = make_plan(load_tiny(*words))
    partial = make_plan(load_tiny(*words, "stages.diagnosis.transfer=operators"))
    assert whole.chain[0].fingerprint == partial.chain[0].fingerprint
    assert whole.chain[1].fingerprint != partial.chain[1].fingerprint
    assert whole.scratch is not None
    assert whole.scratch.fingerprint == partial.scratch.fingerprint
    record, _, shown = run_quietly(partial.experiment)
    assert any("attention against its convolutional control" in note for note in record.notes)
    carried = [note for note in record.notes if note.startswith("diagnosis carries")]
    assert "parameters of operators; restarts 4" in carried[0]
    assert "diagnosis carries" in shown


@pytest.mark.slow
def test_a_compiled_backbone_trains_to_the_same_weights(load_tiny: Load, tmp_path: Path) -> None:
    """With SGD: Adam would divide what rounding leaves of a gradient by itself."""
    sgd = [f"stages.{name}.optimizer=sgd" for name in ("lung", "diagnosis")]
    plain, compiled = (
        run_quietly(load_tiny("chain=[lung,diagnosis]", *sgd, f"trainer.compile={choice}"))[
            0
        ].stages
        for choice in (False, True)
    )
    store = Store(tmp_path / "store")
    for first, second in zip(plain, compiled, strict=True):
        states = [load_file(store.file(row.fingerprint, BACKBONE)) for row in (first, second)]
        assert first.fingerprint != second.fingerprint
        assert states[0].keys() == states[1].keys()
        for key, value in states[0].items():
            torch.testing.assert_close(states[1][key], value, rtol=1e-4, atol=1e-5)


def test_the_plan_says_why_a_stage_is_not_reused(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny("chain=[diagnosis]"))
    other = make_plan(load_tiny("chain=[diagnosis]", "stages.diagnosis.epochs=3"))
    said = reason(other.chain[0].identity, Store(tmp_path / "store"))
    assert said.endswith(
        "stage.epochs (2 -> 3); it is trained from its beginning, for the schedule is another"
    )
    longer = make_plan(load_tiny("chain=[shapes,diagnosis]"))
    said = reason(longer.chain[1].identity, Store(tmp_path / "store"))
    assert "differs in parent" in said
    assert "from its beginning" not in said


def test_arms_differ_in_the_operator_alone(load_tiny: Load) -> None:
    one = make_plan(load_tiny()).chain[0].identity
    other = make_plan(load_tiny("backbone.operator=convolution")).chain[0].identity
    assert one["backbone"].pop("operator") != other["backbone"].pop("operator")
    assert one == other


def test_a_folder_for_the_report_that_cannot_be_made_is_told_before_the_training(
    load_tiny: Load, tmp_path: Path
) -> None:
    experiment = load_tiny("chain=[diagnosis]")
    folder = make_plan(experiment).folder
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(MatlError, match="File exists"):
        run_quietly(experiment)
    assert not list(Store(tmp_path / "store"))
