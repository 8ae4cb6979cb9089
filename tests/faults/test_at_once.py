"""Several runs at once on one store train each stage once."""

from pathlib import Path

import pytest
from faulty import STAGES, Chain
from tiny import weights


@pytest.mark.slow
def test_runs_at_once(tmp_path: Path, phantom_root: Path) -> None:
    Chain(tmp_path / "straight", phantom_root).finish()
    for number in (2, 4, 8):
        folder = tmp_path / str(number)
        chain = Chain(folder, phantom_root)
        runs = [chain.start() for _ in range(number)]
        assert [run.end() for run in runs] == [0] * number, [run.shown for run in runs]
        trained = [fingerprint for run in runs for fingerprint in run.trained]
        assert len(trained) == len(set(trained)) == STAGES
        assert weights(folder) == weights(tmp_path / "straight")
