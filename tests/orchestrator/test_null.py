"""Where labels say nothing of the images, the chain gains nothing: the interval holds 0."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from rich.console import Console

from matl.config import load_experiment
from matl.evaluation.metrics import CONFIDENCE, metric_values, patient_codes
from matl.orchestrator.run import run

RESAMPLES = 2000


@pytest.mark.slow
def test_no_gain_on_the_null_phantom(tmp_path: Path) -> None:
    places = [f"{name}={tmp_path / name}" for name in ("data_root", "store", "cache", "runs")]
    null = [f"stages.{name}.data.name=phantom_null" for name in ("lung", "diagnosis")]
    short = [f"stages.{name}.epochs=2" for name in ("shapes", "xray", "lung", "diagnosis")]
    experiment = load_experiment(REPOSITORY / "experiments" / "demo.yaml", [*places, *null, *short])
    record, _ = run(experiment, "matl run", Console(file=io.StringIO()))
    scores = {name: part.sort_values("image") for name, part in record.scores("test").items()}
    patients = patient_codes(scores["chain"])
    number = patients.max() + 1
    even = np.full(number, 1 / number)
    counts = np.random.default_rng(0).multinomial(number, even, size=RESAMPLES).astype(float)
    chain, scratch = (
        metric_values(scores[name], patients, counts)["auroc"] for name in ("chain", "scratch")
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(chain - scratch, [tail, 1 - tail])
    assert low < 0 < high
