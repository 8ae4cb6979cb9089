"""An ensemble is the mean of what each seed's own run scores, and trains nothing twice."""

from pathlib import Path

import numpy as np
import pytest
from tiny import Load, console_of, run_quietly
from typer.testing import CliRunner

import matl
from matl.cli import app
from matl.errors import MatlError
from matl.explain.show import show_explanation
from matl.export.write import export_model
from matl.orchestrator.explain_run import explain_run
from matl.orchestrator.external import evaluate_external
from matl.orchestrator.finished_run import read_run
from matl.orchestrator.store import Store
from matl.report.rows import CHAIN, FLOOR, FROM_SCRATCH, ensemble

WORDS = ("chain=[shapes,diagnosis]", "baselines=[scratch]")
MEAN = ensemble(CHAIN, 2)


@pytest.fixture
def finished(load_tiny: Load) -> tuple[Path, dict, str]:
    record, folder, shown = run_quietly(load_tiny(*WORDS, "ensemble=2"))
    assert [one for one in record.notes if "the mean of the scores of the seeds 0, 1" in one]
    return folder, dict(record.scored.models), shown


def test_the_row_is_the_mean_of_the_seeds(finished, load_tiny: Load, tmp_path: Path) -> None:
    folder, models, shown = finished
    assert "the mean of several where a row says so" in (folder / "report.md").read_text()
    assert set(models) == {CHAIN, FROM_SCRATCH, MEAN, ensemble(FROM_SCRATCH, 2), FLOOR}
    assert "diagnosis, from scratch, seed 1: training" in shown
    assert len([*Store(tmp_path / "store")]) == 6
    for row in (CHAIN, FROM_SCRATCH):
        own = []
        for seed in (0, 1):
            record, _, shown = run_quietly(load_tiny(*WORDS, f"seed={seed}"))
            assert "training" not in shown
            own.append(record.scored.models[row]["score"])
        np.testing.assert_array_equal(own[0], models[row]["score"])
        np.testing.assert_allclose(np.mean(own, axis=0), models[ensemble(row, 2)]["score"])
        assert not np.allclose(*own)


def test_an_ensemble_is_evaluated_elsewhere_without_a_member_that_is_gone(
    finished, tmp_path: Path, phantom_root: Path
) -> None:
    folder, _, _ = finished
    data = f"phantom_ct:{phantom_root / 'phantom_ct'}"
    record, _ = evaluate_external(folder, data, None, "matl evaluate")
    models = record.scored.models
    assert MEAN in models
    assert not np.allclose(models[MEAN]["score"], models[CHAIN]["score"])
    store = Store(tmp_path / "store")
    last = next(
        one
        for one in store
        if store.manifest(one).parent and store.manifest(one).identity["seed"] == 1
    )
    store.remove(last)
    record, _ = evaluate_external(folder, data, None, "matl evaluate")
    assert MEAN not in record.scored.models
    assert [note for note in record.notes if note.startswith(f"{MEAN} is not scored")]


def test_one_seed_afterwards_leaves_the_report_of_several(finished, load_tiny: Load) -> None:
    folder, _, _ = finished
    before = (folder / "report.md").read_bytes()
    _, alone, _ = run_quietly(load_tiny(*WORDS))
    assert folder.name == f"{alone.name}-2_seeds"
    assert (folder / "report.md").read_bytes() == before


def test_a_run_of_several_seeds_predicts_their_mean(finished, tmp_path: Path) -> None:
    folder, models, _ = finished
    run = read_run(folder)
    samples = run.selected()
    paths = list(samples.table["path"][samples.table["split"] == "test"])
    files = [samples.root / path for path in paths]
    found = matl.predict(folder, files)
    assert "scores are the mean of 2 models" in found.notes
    assert [one["fingerprint"] for one in found.about["models"]] == run.members
    own = found.images.set_index("image").rename(index=lambda one: _below(one, samples.root))
    stored = models[MEAN].set_index("image")["score"]
    np.testing.assert_allclose(own.loc[paths, "score"], stored.loc[paths], atol=1e-5)
    with pytest.raises(MatlError, match=rf"name one model, such as .*{run.members[0]}"):
        matl.predict(folder, files, out=tmp_path / "out", explain=True)


def _below(file: str, root: Path) -> str:
    return Path(file).resolve().relative_to(root.resolve()).as_posix()


def test_what_takes_the_first_seed_alone_says_so(finished, tmp_path: Path) -> None:
    folder, _, _ = finished
    said = "the run averages 2 seeds; this is of the first one alone, seed 0"
    out, card = export_model(folder, "folder", tmp_path / "out")
    assert card.notes == (said,)
    assert said in (out / "model_card.md").read_text()
    shown = CliRunner().invoke(
        app, ["export", str(folder), "--to", "folder", "--out", str(tmp_path / "again")]
    )
    assert said in shown.output.splitlines()
    console, text = console_of()
    show_explanation(explain_run(folder, "matl explain"), console)
    assert said in " ".join(text.getvalue().split())
