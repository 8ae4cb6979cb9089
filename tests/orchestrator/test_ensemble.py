"""An ensemble is the mean of what each seed's own run scores, and trains nothing twice."""

from pathlib import Path

import numpy as np
import pytest
from tiny import Load, run_quietly

from matl.orchestrator.external import evaluate_external
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
