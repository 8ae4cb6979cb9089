"""What a run's folder and the store keep of it."""

from pathlib import Path

import pytest
from tiny import Load, run_quietly

from matl.orchestrator.external import evaluate_external


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
