"""Floors are kept by what they are computed from."""

from pathlib import Path

import pytest
from tiny import Load, run_quietly

from matl.names import FLOORS


def test_another_floor_retrains_nothing(load_tiny: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load_tiny("chain=[diagnosis]")
    run_quietly(experiment)
    floors = set((Path(experiment.store) / FLOORS).iterdir())
    monkeypatch.setattr("matl.orchestrator.floors.FLOOR_VERSION", 99)
    _, _, shown = run_quietly(experiment)
    assert "in the store" in shown
    assert len(set((Path(experiment.store) / FLOORS).iterdir()) - floors) == 1
