"""Experiments from YAML: extends, overrides, and one line for every mistake."""

from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st

from matl.config import checked, load_experiment
from matl.config.load import to_yaml
from matl.errors import MatlError
from matl.stages.diagnosis.task import Diagnosis, DiagnosisConfig
from matl.stages.source.task import SourceConfig
from matl.stages.ssl.multi_scale.method import MultiScaleConfig

SHIPPED = sorted((REPOSITORY / "experiments").glob("*.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_experiments_are_valid(file: Path) -> None:
    experiment = load_experiment(file)
    assert experiment.chain[-1] == "diagnosis"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_resolved_experiment_reads_back_the_same(file: Path, tmp_path: Path) -> None:
    experiment = load_experiment(file)
    copy = tmp_path / "copy.yaml"
    copy.write_text(to_yaml(experiment))
    assert load_experiment(copy) == experiment


def test_stages_are_typed_by_their_task() -> None:
    stages = load_experiment(REPOSITORY / "experiments" / "demo.yaml").stages
    kinds = [type(stage) for stage in stages.values()]
    assert kinds == [*[SourceConfig] * 3, MultiScaleConfig, DiagnosisConfig]


@settings(max_examples=20, deadline=None)
@given(epochs=st.integers(1, 10_000), lr=st.floats(1e-6, 10.0), seed=st.integers(0, 2**31))
def test_overrides_win(epochs: int, lr: float, seed: int) -> None:
    overrides = [f"stages.lung.epochs={epochs}", f"stages.lung.lr={lr!r}", f"seed={seed}"]
    experiment = load_experiment(REPOSITORY / "experiments" / "demo.yaml", overrides)
    lung = experiment.stages["lung"]
    assert (lung.epochs, lung.lr, experiment.seed) == (epochs, lr, seed)


def test_interpolation(minimal: Path) -> None:
    overrides = ["stages.diagnosis.epochs=${seed}", "seed=3"]
    assert load_experiment(minimal, overrides).stages["diagnosis"].epochs == 3


def test_overrides_are_a_list(minimal: Path) -> None:
    with pytest.raises(MatlError, match=r"overrides: must be a list, as in \['seed=1'\]"):
        load_experiment(minimal, "seed=1")


def test_a_stage_that_is_not_there_is_told_from_the_nearest(minimal: Path) -> None:
    with pytest.raises(MatlError, match=r"stages\.diagnosi\.task: .*did you mean 'diagnosis'"):
        load_experiment(minimal, ["stages.diagnosi.epochs=3"])


def test_an_experiment_of_python_is_checked_as_a_file_is(minimal: Path) -> None:
    experiment = load_experiment(minimal)
    diagnosis = experiment.stages["diagnosis"]
    diagnosis.epochs, diagnosis.lr = np.int64(3), np.float32(0.5)  # type: ignore[assignment]
    whole = checked(experiment).stages["diagnosis"]
    assert (type(whole.epochs), whole.epochs, whole.lr) == (int, 3, 0.5)
    diagnosis.epoch = 4  # type: ignore[attr-defined]
    with pytest.raises(MatlError, match=r"stages\.diagnosis\.epoch: is no key here"):
        checked(experiment)
    del diagnosis.epoch  # type: ignore[attr-defined]
    diagnosis.task = Diagnosis  # type: ignore[assignment]
    with pytest.raises(MatlError, match=r"stages\.diagnosis\.task: .*is no setting"):
        checked(experiment)
