"""Floors are kept by what they are computed from."""

from pathlib import Path

import pytest
from damaged import damage, flip
from tiny import Load, run_quietly

from matl.names import FLOORS
from matl.orchestrator.floors import read_floor
from matl.sealed import sealed


def test_another_floor_retrains_nothing(load_tiny: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load_tiny("chain=[diagnosis]")
    run_quietly(experiment)
    floors = set((Path(experiment.store) / FLOORS).iterdir())
    monkeypatch.setattr("matl.orchestrator.floors.FLOOR_VERSION", 99)
    _, _, shown = run_quietly(experiment)
    assert "in the store" in shown
    assert len(set((Path(experiment.store) / FLOORS).iterdir()) - floors) == 1


def test_a_damaged_floor_is_computed_again(load_tiny: Load) -> None:
    experiment = load_tiny("chain=[diagnosis]")
    record, _, _ = run_quietly(experiment)
    [file] = (Path(experiment.store) / FLOORS).iterdir()
    damage(file, flip)
    with pytest.raises(ValueError):  # noqa: PT011 - of JSON, or of its digest
        read_floor(file)
    again, _, _ = run_quietly(experiment)
    assert again.scored.models["floor"].equals(record.scored.models["floor"])
    own = read_floor(file).scores
    assert own.equals(record.scored.models["floor"][list(own)])


@pytest.mark.parametrize("values", [{}, {"fitted": {}}, {"fitted": {}, "scores": [1]}])
def test_what_holds_no_floor_is_damaged(tmp_path: Path, values: dict[str, object]) -> None:
    (tmp_path / "floor.json").write_bytes(sealed(values))
    with pytest.raises(ValueError, match=r"holds no floor|of another type"):
        read_floor(tmp_path / "floor.json")
