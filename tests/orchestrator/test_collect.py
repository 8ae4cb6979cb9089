"""What a run's record says of its stages."""

import shutil
from pathlib import Path

from tiny import Load, run_quietly

from matl.orchestrator.external import evaluate_external
from matl.orchestrator.plan import make_plan


def test_a_reused_stage_of_other_threads_is_noted(load_tiny: Load) -> None:
    run_quietly(load_tiny("chain=[diagnosis]"))
    record, _, shown = run_quietly(load_tiny("chain=[diagnosis]", "trainer.threads=2"))
    assert "in the store" in shown
    assert any("diagnosis was trained with 1 thread; 2 are set now" in n for n in record.notes)


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
