"""What a run's record says of its stages."""

import re
import shutil
from pathlib import Path

import pandas as pd
from tiny import Load, run_quietly

from matl.orchestrator.collect import reference_words
from matl.orchestrator.external import evaluate_external
from matl.orchestrator.plan import make_plan
from matl.report.stage_tables import stage_table
from matl.stages.ssl.multi_scale.method import MultiScale


def test_a_reused_stage_of_other_threads_is_noted(load_tiny: Load) -> None:
    run_quietly(load_tiny("chain=[diagnosis]"))
    record, _, shown = run_quietly(load_tiny("chain=[diagnosis]", "trainer.threads=2"))
    assert "in the store" in shown
    assert any("diagnosis was trained with 1 thread; 2 are set now" in n for n in record.notes)


def test_identity_stands_beside_its_trivial_references() -> None:
    curves = pd.DataFrame({"identity/accuracy": [0.2, 0.85], "identity/position_alone": [0.7, 0.8]})
    expected = "identity/accuracy 0.850 (position alone 0.800, chance 0.167)"
    assert reference_words(MultiScale, curves) == expected
    before = reference_words(MultiScale, curves[["identity/accuracy"]])
    assert before == "identity/accuracy 0.850 (chance 0.167)"
    assert reference_words(MultiScale, pd.DataFrame({"loss": [1.0]})) == ""


def test_the_references_of_a_run_are_in_its_report(load_tiny: Load) -> None:
    record, folder, _ = run_quietly(load_tiny("chain=[lung,diagnosis]"))
    said = record.stages[0].references
    assert re.fullmatch(r"identity/accuracy 0\.\d+ \(position alone 0\.\d+, chance 0\.167\)", said)
    assert said in (folder / "report.md").read_text()
    assert said in (folder / "report.html").read_text()
    assert said in stage_table(record).caption


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
