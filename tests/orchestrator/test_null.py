"""Where labels say nothing of the images, the chain gains nothing: the interval holds 0."""

import io
from pathlib import Path

import pytest
from conftest import REPOSITORY
from rich.console import Console

from matl.config import load_experiment
from matl.evaluation.metrics import patient_codes
from matl.evaluation.statistics.contrasts import Arm, contrast
from matl.orchestrator.run import run


@pytest.mark.slow
def test_no_gain_on_the_null_phantom(tmp_path: Path) -> None:
    places = [f"{name}={tmp_path / name}" for name in ("data_root", "store", "cache", "runs")]
    null = [f"stages.{name}.data.name=phantom_null" for name in ("lung", "diagnosis")]
    short = [
        f"stages.{name}.epochs=2" for name in ("shapes", "xray", "patches", "lung", "diagnosis")
    ]
    experiment = load_experiment(REPOSITORY / "experiments" / "demo.yaml", [*places, *null, *short])
    record, _ = run(experiment, console=Console(file=io.StringIO()))
    scores = {
        name: part.sort_values("image") for name, part in record.scored.tables("test").items()
    }
    patients = patient_codes(scores["chain"])
    label = scores["chain"]["label"].to_numpy()
    arms = [
        Arm(weight, scores[name]["score"].to_numpy()[None])
        for weight, name in ((1.0, "chain"), (-1.0, "from scratch"))
    ]
    gain = contrast(label, patients, arms)
    assert gain.low < 0 < gain.high
