"""A chain runs once; what is finished is reused, and what is reused is named."""

import itertools
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny import Load, run_quietly

from matl.backbones import canonical_state
from matl.errors import MatlError
from matl.names import BACKBONE
from matl.orchestrator.external import evaluate_external
from matl.orchestrator.fingerprints import reason
from matl.orchestrator.job import initial_stage
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job


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


def test_every_test_image_is_scored_once(load_tiny: Load) -> None:
    record, _, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    plan = make_plan(load_tiny("chain=[diagnosis]"))
    table = plan.chain[0].samples.table
    for scores in record.scored.models.values():
        test = scores[scores["split"] == "test"]
        assert sorted(test["image"]) == sorted(table["path"][table["split"] == "test"])
        assert test["score"].between(0, 1).all()


def test_another_experiment_reuses_a_shared_beginning(load_tiny: Load) -> None:
    run_quietly(load_tiny("chain=[shapes,diagnosis]"))
    other = load_tiny("name=other", "stages.diagnosis.epochs=1", "chain=[shapes,diagnosis]")
    record, folder, shown = run_quietly(other)
    assert trained(shown) == ["diagnosis"]
    assert [row.reused for row in record.stages] == ["tiny", None]
    assert "| tiny |" in (folder / "report.md").read_text()


def test_the_backbone_alone_travels(load_tiny: Load, tmp_path: Path) -> None:
    plan = make_plan(load_tiny())
    run_quietly(load_tiny())
    store = Store(tmp_path / "store")
    shapes, lung, diagnosis = (
        load_file(store.entry(stage.fingerprint) / BACKBONE) for stage in plan.chain
    )
    assert shapes.keys() == lung.keys() == diagnosis.keys()
    assert not any("heads" in key for key in shapes)
    assert any(not shapes[key].equal(lung[key]) for key in shapes)


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
    assert "stage.epochs (2 -> 3)" in reason(other.chain[0].identity, Store(tmp_path / "store"))
    longer = make_plan(load_tiny("chain=[shapes,diagnosis]"))
    assert "differs in parent" in reason(longer.chain[1].identity, Store(tmp_path / "store"))


def test_a_finished_model_is_scored_on_another_data_set(
    load_tiny: Load, phantom_root: Path
) -> None:
    _, folder, _ = run_quietly(load_tiny("chain=[shapes,diagnosis]", "baselines=[scratch]"))
    other = f"phantom_null:{phantom_root / 'external'}"
    record, report = evaluate_external(folder, other, None, "matl evaluate")
    assert list(record.scored.models) == ["chain", "from scratch", "floor"]
    assert {row.images for row in record.scored.results("test")} == {640}
    metrics = json.loads((report / "metrics.json").read_text())["metrics"]
    assert {row["model"] for row in metrics} == {"chain", "from scratch", "floor"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    name = f"tiny on phantom_null:external ({report.name.rpartition('-')[2]})"
    assert f"{name}: every labelled image of phantom_null; no file of it was" in page


def test_data_sets_of_one_kind_are_told_apart(load_tiny: Load, tmp_path: Path) -> None:
    own, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    drawn = np.random.default_rng(0)
    for place, kind, number in itertools.product(("north", "south"), ("ill", "well"), range(3)):
        file = tmp_path / place / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn.integers(0, 256, (32, 32), dtype=np.uint8)).save(file)
    names = []
    for place, positive in (("north", "ill"), ("south", "ill"), ("south", "well")):
        record, _ = evaluate_external(folder, f"folder:{tmp_path / place}", positive, "matl")
        assert record.scored.positive == positive
        warning = (
            f"the positive class here is {positive}; the diagnosis learned {own.scored.positive}"
        )
        assert warning in record.notes
        assert record.experiment.startswith(f"tiny on folder:{place} (")
        names.append(record.experiment)
    assert len(set(names)) == len(list(folder.glob("evaluate-folder-*"))) == 3
    page = (folder / "report.html").read_text(encoding="utf-8")
    row = r'<th scope="row"[^>]*>([^<]+)</th>\s*<td[^>]*>from scratch</td>\s*<td[^>]*>(\w+)</td>'
    shown = re.findall(row, page)
    assert sorted(shown) == sorted(
        [("own test split", own.scored.positive), *zip(names, ("ill", "ill", "well"), strict=True)]
    )


def test_a_run_on_its_own_images_gives_its_own_scores(load_tiny: Load, phantom_root: Path) -> None:
    record, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    source = make_plan(load_tiny("chain=[diagnosis]")).chain[0].samples
    table = source.table[source.table["split"] == "test"].assign(split="test")
    rows = pd.DataFrame({"path": table["path"], "label": table["label"]})
    rows["patient"] = table["patient"]
    listing = source.root / "samples.csv"
    rows.to_csv(listing, index=False)
    external, _ = evaluate_external(folder, f"csv:{source.root}", "covid", "matl evaluate")
    listing.unlink()
    own = record.scored.tables("test")["from scratch"].set_index("image")["score"]
    scored = external.scored.tables("test")["from scratch"].set_index("image")["score"]
    assert scored.to_dict() == pytest.approx(own.to_dict(), abs=1e-6)
    own_floor = record.scored.tables("test")["floor"].set_index("image")["score"].to_dict()
    floor = external.scored.tables("test")["floor"].set_index("image")["score"].to_dict()
    assert floor == pytest.approx(own_floor, abs=1e-6)


def test_a_run_is_evaluated_from_any_folder(
    load_tiny: Load, phantom_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its paths were relative to the folder in which it was started."""
    monkeypatch.chdir(tmp_path)
    places = [f"{name}={name}" for name in ("store", "cache", "runs")]
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]", *places))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    monkeypatch.chdir(moved)
    other = f"phantom_null:{phantom_root / 'external'}"
    record, report = evaluate_external(tmp_path / folder, other, None, "matl evaluate")
    assert record.scored.results("test")
    assert report.is_relative_to(tmp_path / "runs")
    assert not list(moved.iterdir())


def test_a_transductive_stage_is_told_of(load_tiny: Load, tmp_path: Path) -> None:
    words = ("chain=[lung,diagnosis]", "stages.lung.transductive=true")
    record, folder, _ = run_quietly(load_tiny(*words))
    samples = make_plan(load_tiny(*words)).chain[0].samples
    assert record.stages[0].images == len(samples)
    assert any("lung is transductive" in note for note in record.notes)
    for file in samples.subset(samples.table["split"] == "test").files():
        target = tmp_path / "other" / file.parent.name
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    other = tmp_path / "other"
    rows = [f"{file.relative_to(other)},covid" for file in sorted(other.rglob("*.png"))]
    (other / "samples.csv").write_text("\n".join(["path,label", *rows]))
    external, _ = evaluate_external(folder, f"csv:{other}", "covid", "matl evaluate")
    assert f"{len(rows)} OF THEM WERE TRAINED ON" in external.split_note
    assert "an image is one" in external.split_note


def test_bad_words_for_an_evaluation(load_tiny: Load, tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="no folder of a finished run"):
        evaluate_external(tmp_path, "phantom_ct:x", None, "matl evaluate")
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    with pytest.raises(MatlError, match="NAME:ROOT"):
        evaluate_external(folder, "phantom_ct", None, "matl evaluate")


def test_self_supervision_never_sees_held_out_patients(load_tiny: Load) -> None:
    plan = make_plan(load_tiny())
    lung, diagnosis = plan.chain[1].samples, plan.chain[2].samples
    held_out = diagnosis.table[diagnosis.table["split"] != "train"]
    assert not set(lung.table["patient"]) & set(held_out["patient"])


def test_a_chain_that_leaks_is_refused(load_tiny: Load) -> None:
    kfold = ["stages.diagnosis.data.split=kfold", "stages.diagnosis.data.folds=2"]
    with pytest.raises(MatlError, match=r"stages\.lung\.data: trains on \d+ patients"):
        make_plan(load_tiny(*kfold))
    make_plan(load_tiny(*kfold, "stages.lung.data=${stages.diagnosis.data}"))


def test_arms_differ_in_the_operator_alone(load_tiny: Load) -> None:
    one = make_plan(load_tiny()).chain[0].identity
    other = make_plan(load_tiny("backbone.operator=convolution")).chain[0].identity
    assert one["backbone"].pop("operator") != other["backbone"].pop("operator")
    assert one == other


def test_a_family_that_is_not_carried_begins_as_the_chain_does(
    load_tiny: Load, tmp_path: Path
) -> None:
    """From the file of weights, where the experiment names one; the carried one is the parent's."""
    file = tmp_path / "timm.safetensors"
    save_file(timm.create_model("resnet10t").state_dict(), file)
    words = (f"backbone.weights={file}", "stages.diagnosis.transfer=operators")
    plan = make_plan(load_tiny("chain=[shapes,diagnosis]", "backbone.in_channels=3", *words))
    run_quietly(plan.experiment, through=1)
    shapes, diagnosis = plan.chain
    store = Store(tmp_path / "store")
    job = stage_job(plan, diagnosis, store)
    begun = canonical_state(initial_stage(job).backbone)
    given, parent = load_file(file), load_file(store.file(shapes.fingerprint, BACKBONE))
    for key, value in begun.items():
        if key not in ("mean", "std"):
            expected = parent if key.startswith("operators.") else given
            assert torch.equal(value, expected[key]), key
