"""Each test image is scored exactly once."""

from pathlib import Path

import pandas as pd
import pytest
from tiny import Load, run_quietly

from matl.errors import MatlError
from matl.names import SCORES
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.stages.diagnosis.stage import DiagnosisStage

DIAGNOSIS = "chain=[diagnosis]"


def test_every_test_image_is_scored_once(load_tiny: Load) -> None:
    record, _, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    plan = make_plan(load_tiny("chain=[diagnosis]"))
    table = plan.chain[0].samples.table
    for scores in record.scored.models.values():
        test = scores[scores["split"] == "test"]
        assert sorted(test["image"]) == sorted(table["path"][table["split"] == "test"])
        assert test["score"].between(0, 1).all()


def test_scores_that_are_no_numbers_are_never_stored(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DiagnosisStage.scores
    monkeypatch.setattr(DiagnosisStage, "scores", lambda *given: whole(*given) * float("nan"))
    for _ in range(2):
        with pytest.raises(MatlError, match=r"stages\.diagnosis: \d+ of \d+ scores are no numbers"):
            run_quietly(load_tiny(DIAGNOSIS))
    assert not list(Store(tmp_path / "store"))


def test_edited_scores_are_not_reported(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny(DIAGNOSIS))
    store = Store(tmp_path / "store")
    [entry] = store
    scores = store.entry(entry) / SCORES
    table = pd.read_csv(scores)
    table.assign(score=table["label"]).to_csv(scores, index=False)
    with pytest.raises(MatlError, match="is damaged; run matl store remove"):
        run_quietly(load_tiny(DIAGNOSIS))
