"""Whether a self-supervised stage learns is measured, said, and ends it where that is asked for."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from interrupted import BrokenOff, failing_at
from safetensors.torch import load_file
from tiny import Load, run_quietly
from wandb_files import recorded

from matl.cli import main
from matl.config import Experiment
from matl.errors import Collapsed
from matl.names import BACKBONE, CHECKPOINT, CURVES, HEADS
from matl.orchestrator.fit import train
from matl.orchestrator.launch import MISTAKES
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job
from matl.preemption import handlers_kept
from matl.stages.base import Stage
from matl.stages.ssl.task import LungSSL

CONSTANT = """
import torch
from matl.stages.ssl.simclr import SimCLR


class Constant(SimCLR):
    @classmethod
    def loss(cls, stage, batch):
        with torch.no_grad():
            for parameter in stage.backbone.parameters():
                parameter.zero_()
        return super().loss(stage, batch)
"""
"""A method after which every feature is zero."""
LUNG = ("chain=[lung,diagnosis]", "baselines=[]", "logger.wandb=disabled")
SHORT = (*LUNG, "stages.lung.epochs=5", "stages.diagnosis.epochs=1")
EVERY = ("stages.lung.monitor_every=1", "stages.lung.probe_every=2")
COLLAPSING = (*SHORT, "stages.lung.method=constant_method:Constant", "stages.lung.monitor_every=1")


@pytest.fixture
def constant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "constant_method.py").write_text(CONSTANT)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("constant_method", None)


def trained(experiment: Experiment) -> Path:
    """Trains the lung stage; the folder with its weights and curves."""
    plan = make_plan(experiment)
    job = stage_job(plan, plan.chain[0], Store(experiment.store))
    train(job)
    return job.workspace


def curves_in(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / CURVES).drop(columns=["seconds", "peak_memory_mb"])


def test_measuring_changes_no_weight(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = trained(load_tiny(*SHORT, *EVERY))
    curves = curves_in(one)
    assert curves["embedding/rank"].notna().all()
    assert curves["probe/linear"].notna().tolist() == [False, True, False, True, False]
    monkeypatch.setattr(LungSSL, "monitor", lambda *_: None)
    other = trained(load_tiny(*SHORT, f"store={tmp_path / 'other'}"))
    assert "embedding/rank" not in curves_in(other)
    for name in (BACKBONE, HEADS):
        weights, others = load_file(one / name), load_file(other / name)
        assert weights.keys() == others.keys()
        assert all(torch.equal(weights[key], others[key]) for key in weights)


def test_a_resumed_stage_has_the_same_curves(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = curves_in(trained(load_tiny(*SHORT, *EVERY, f"store={tmp_path / 'whole'}")))
    experiment = load_tiny(*SHORT, *EVERY)
    with monkeypatch.context() as broken:
        broken.setattr(Stage, "training_step", failing_at(epoch=3, step=0))
        with pytest.raises(BrokenOff):
            trained(experiment)
    pd.testing.assert_frame_equal(curves_in(trained(experiment)), expected)


@pytest.mark.usefixtures("constant")
def test_a_collapse_is_named_once_in_the_terminal_the_report_and_wandb(
    load_tiny: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, folder, _ = run_quietly(load_tiny(*COLLAPSING, "logger.wandb=offline"))
    said = "collapsed from epoch 1: spread is 0.0000 (below 0.1), embedding/collapse is 1.0000 (at"
    assert capsys.readouterr().out.count(f"lung: WARNING: {said}") == 1
    [found] = record.stages[0].findings
    assert found.startswith(said)
    for file in ("report.html", "report.md"):
        assert said in (folder / file).read_text()
    first = recorded(tmp_path / "runs")[0]
    assert first.summary["collapsed"] == found
    assert first.curve("embedding/cosine") == [1.0] * 5


@pytest.mark.usefixtures("constant")
def test_a_collapse_can_stop_the_run_and_keeps_its_checkpoint(
    load_tiny: Load,
    tiny_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop = "stages.lung.on_collapse=stop"
    monkeypatch.setattr("sys.argv", ["matl", "run", str(tiny_file), *COLLAPSING, stop])
    for _ in range(2):  # a stage that has stopped does not train on
        with handlers_kept(), pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == Collapsed.exit_code == 3
        [line] = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error: ")]
        assert line.startswith("error: stages.lung: collapsed from epoch 1: ")
        assert "its checkpoint is kept" in line
        [checkpoint] = (tmp_path / "store").glob(f"unfinished/*/{CHECKPOINT}")
        assert len(pd.read_csv(checkpoint.with_name("curves.csv"))) == 2
    assert len(curves_in(trained(load_tiny(*COLLAPSING)))) == 5


def test_a_collapse_in_one_process_of_several_is_the_same_error() -> None:
    assert MISTAKES["Collapsed"] is Collapsed
