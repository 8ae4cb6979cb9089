"""Sweeps: what is refused before W&B hears of it, and what a trial tells W&B."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from tiny import Load, run_quietly
from wandb_files import recorded
from wandb_server import API_KEY, stand_in

from matl.errors import MatlError
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.sweep import load_sweep

SHIPPED = sorted((REPOSITORY / "experiments" / "sweeps").glob("*.yaml"))
LR = "stages.diagnosis.lr"
EPOCHS = "stages.diagnosis.epochs"
COMMAND = ["matl", "run", "x.yaml", "logger.wandb=online", "${args_no_hyphens}"]
OFFICIAL = "nothing may be chosen by the test split; write diagnosis/val/auroc"


@pytest.fixture
def written(tiny_file: Path) -> dict:
    """A valid sweep over the tiny experiment."""
    command = ["matl", "run", str(tiny_file), "logger.wandb=online", "${args_no_hyphens}"]
    return {
        "program": "matl",
        "method": "grid",
        "metric": {"name": "diagnosis/val/auroc", "goal": "maximize"},
        "parameters": {LR: {"values": [0.001, 0.0001]}},
        "command": command,
    }


def save(sweep: dict, folder: Path) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump(sweep))
    return file


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_sweep_is_valid(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    sweep = load_sweep(file)
    assert sweep.config["run_cap"]
    assert sweep.config["metric"]["name"] == "diagnosis/val/auroc"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"parameters": {"stages.diagnosis.lrr": {"value": 1}}}, "did you mean 'lr'"),
        ({"parameters": {"stages.lun.epochs": {"value": 1}}}, "stages.lun"),
        ({"parameters": {LR: {"values": [0.1, -1]}}}, "-1"),
        ({"parameters": {LR: {"min": 0.0, "max": 0.1}}}, "above 0"),
        ({"parameters": {"stages.diagnosis.epochs": {"min": 2.5, "max": 9.5}}}, "2.5"),
        ({"parameters": {"stages": {"parameters": {"lr": {"value": 1}}}}}, "parameters.stages:"),
        ({"parameters": {LR: {"distribution": "uniform"}}}, "values, or min and max"),
        ({"parameters": {}}, "must map settings"),
        ({"metric": {"name": "test/auroc", "goal": "maximize"}}, OFFICIAL),
        ({"metric": {"name": "diagnosis/test/auroc", "goal": "maximize"}}, OFFICIAL),
        ({"metric": {"name": "diagnosis/val/auc", "goal": "maximize"}}, "diagnosis/val/auroc"),
        ({"metric": {"name": "cv/auroc", "goal": "maximize"}}, "no trial reports"),
        ({"metric": {"name": "diagnosis/val/auroc"}}, "metric.goal"),
        ({"metric": None}, "metric.name"),
        ({"parameters": {LR: {"distribution": "log_uniform", "min": 1e-5, "max": 1e999}}}, "inf"),
        ({"parameters": {LR: {"distribution": "log_unifrm", "min": 1, "max": 2}}}, "log_uniform"),
        ({"parameters": {LR: {"min": 0.1, "max": 0.01}}}, "min 0.1 is above max 0.01"),
        ({"parameters": {LR: {"distribution": "normal", "mu": 0.1, "sigma": 0.1}}}, "above 0.0"),
        ({"parameters": {LR: {"distribution": "q_uniform", "min": 1e-4, "max": 1}}}, "above 0.0"),
        ({"parameters": {LR: {"value": None}}}, "W&B would write None"),
        ({"parameters": {LR: {"min": 0.1, "max": 0.2, "mu": 1}}}, "uniform has no such key"),
        ({"parameters": {EPOCHS: {"distribution": "uniform", "min": 2, "max": 9}}}, "draws 2.0"),
        ({"parameters": {EPOCHS: {"distribution": "q_uniform", "min": 2, "max": 9}}}, "draws 2.0"),
        ({"parameters": {"store": {"values": ["a", "b"]}}}, "parameters: vary store"),
        ({"command": ["bash", "-c", "x", *COMMAND]}, "command: must be"),
        ({"command": [*COMMAND, "logger.project=${envvar:WANDB_API_KEY}"]}, "are no values of an"),
        ({"command": [*COMMAND, "evil"]}, "evil: is neither the experiment nor a setting"),
        ({"command": ["python", "train.py", "${args}"]}, "command: must be"),
        ({"command": ["matl", "run", "x.yaml", "${args_no_hyphens}"]}, "x.yaml"),
    ],
    ids=str,
)
def test_a_wrong_sweep_is_one_line(
    written: dict, tmp_path: Path, change: dict, expected: str
) -> None:
    file = save(written | change, tmp_path)
    with pytest.raises(MatlError) as caught:
        load_sweep(file)
    assert str(caught.value).startswith(str(file))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_experiment_that_is_not_there_is_named_alone(written: dict, tmp_path: Path) -> None:
    written["command"][2] = "experiments/x.yaml"
    file = save(written, tmp_path)
    with pytest.raises(MatlError) as caught:
        load_sweep(file)
    expected = f"{file}: command: experiments/x.yaml: no such file in {Path.cwd()}; start matl in"
    assert str(caught.value).startswith(expected)


def test_exponents_are_not_taken_for_values(written: dict, tmp_path: Path) -> None:
    written["parameters"] = {LR: {"distribution": "log_uniform", "min": -11.5, "max": -2.3}}
    assert load_sweep(save(written, tmp_path))
    assert "stages.diagnosis.lr: 1.013e-05 to 0.1003" in str(load_sweep(save(written, tmp_path)))
    for max_, expected in ((0.1, "W&B would draw 1 to 1.105"), (800.0, "is no number")):
        written["parameters"][LR] |= {"min": 1e-5, "max": max_}
        with pytest.raises(MatlError, match=f"takes min and max as exponents.*{expected}"):
            load_sweep(save(written, tmp_path))


def test_a_text_that_yaml_reads_otherwise_is_refused(written: dict, tmp_path: Path) -> None:
    file = save(written, tmp_path)
    positive = "stages.diagnosis.data.positive: {values: [yes, covid]}"
    file.write_text(file.read_text().replace("parameters:\n", f"parameters:\n  {positive}\n"))
    with pytest.raises(MatlError, match="positive: yes is read as True; write 'yes'"):
        load_sweep(file)


def test_trials_must_tell_wandb(written: dict, tmp_path: Path) -> None:
    written["command"].remove("logger.wandb=online")
    with pytest.raises(MatlError, match=r"add logger\.wandb=online"):
        load_sweep(save(written, tmp_path))


def test_cross_validation_may_be_chosen_by_where_it_leaves_the_test_patients_out(
    written: dict, tmp_path: Path
) -> None:
    written["metric"]["name"] = "cv/auroc"
    written["command"][4:4] = ["chain=[diagnosis]", "stages.diagnosis.data.split=kfold"]
    with pytest.raises(MatlError, match=r"add stages\.diagnosis\.data\.over=train"):
        load_sweep(save(written, tmp_path))
    over = "stages.diagnosis.data.over"
    for values in (["train", "all"], ["all", "train"]):
        written["parameters"][over] = {"values": values}
        with pytest.raises(MatlError, match="kfold over all patients"):
            load_sweep(save(written, tmp_path))
    del written["parameters"][over]
    written["command"].insert(4, "stages.diagnosis.data.over=train")
    written["parameters"]["stages.diagnosis.data.fold"] = {"values": [0, 1, 2, 3, 4]}
    assert load_sweep(save(written, tmp_path))
    written["metric"]["name"] = "cv/f1"
    assert load_sweep(save(written, tmp_path))
    written["command"].insert(4, "stages.diagnosis.data.positive=null")
    with pytest.raises(MatlError, match="no trial reports cv/f1"):
        load_sweep(save(written, tmp_path))


@pytest.mark.slow
def test_a_trial_is_one_run_with_the_stages_as_prefixes(
    load_tiny: Load, tiny_file: Path, tmp_path: Path
) -> None:
    """The agent starts a process a trial and sets these variables; the second reuses shapes."""
    settings = ["chain=[shapes,diagnosis]", f"{LR}=0.1"]
    for trial in ("one", "two"):
        settings[-1] = f"{LR}={0.1 if trial == 'one' else 0.2}"
        told = {"WANDB_SWEEP_ID": "sweep1", "WANDB_MODE": "offline", "WANDB_RUN_ID": trial}
        command = [sys.executable, "-m", "matl.cli", "run", str(tiny_file), *settings]
        subprocess.run(
            [*command, "logger.wandb=online"],
            env=os.environ | told,
            check=True,
            capture_output=True,
        )
    record, _, _ = run_quietly(load_tiny(*settings))
    told = recorded(tmp_path / "runs")
    assert [run.identifier for run in told] == ["one", "one", "one", "two", "two"]
    shapes, diagnosis = told[0], told[3]
    assert {"shapes/loss", "shapes/val/accuracy", "shapes/trainer/global_step"} <= set(
        {name for row in shapes.rows for name in row}
    )
    assert diagnosis.curve("diagnosis/loss") == pytest.approx(
        record.curves["diagnosis"]["loss"].tolist()
    )
    end = told[-1].summary
    assert end["diagnosis/val/auroc"] == pytest.approx(
        record.curves["diagnosis"]["val/auroc"].iloc[-1]
    )
    assert end["shapes/loss"] == pytest.approx(record.curves["shapes"]["loss"].iloc[-1])
    names = {name for run in told for row in (*run.rows, run.summary) for name in row}
    assert not [name for name in names if "test" in name.split("/")]
    assert "roc" not in names


def test_a_trial_of_cross_validation_reports_its_fold(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wandb_session: None
) -> None:
    for name, value in (("SWEEP_ID", "sweep1"), ("RUN_ID", "one"), ("MODE", "offline")):
        monkeypatch.setenv(f"WANDB_{name}", value)
    fold = [f"stages.diagnosis.data.{word}" for word in ("split=kfold", "over=train", "folds=2")]
    fold += ["stages.diagnosis.data.options.patients=24"]  # both classes in every fold
    record, _, _ = run_quietly(load_tiny("logger.wandb=online", "chain=[diagnosis]", *fold))
    [result] = [row for row in record.scored.results("test") if row.model != "floor"]
    reported = recorded(tmp_path / "runs")[-1].summary["cv/accuracy"]
    assert reported == pytest.approx(result.metrics["accuracy"].value)


@pytest.mark.slow
def test_an_agent_runs_the_trials_of_a_sweep(
    written: dict, tmp_path: Path, tiny_file: Path, load_tiny: Load
) -> None:
    """`matl sweep` for real, against a stand-in that deals two trials."""
    written["command"].insert(4, "chain=[shapes,diagnosis]")
    with stand_in() as server:
        server.trials = {"trial1": {LR: 0.001}, "trial2": {LR: 0.0001}}
        environment = os.environ | {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": API_KEY}
        done = subprocess.run(
            [sys.executable, "-m", "matl.cli", "sweep", str(save(written, tmp_path))],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "wandb agent --project matl sweep1" in done.stdout
        assert yaml.safe_load(server.sweep)["parameters"] == written["parameters"]
        assert list(server.runs) == ["trial1", "trial2"]
        for run in server.runs.values():
            assert run.sweep == "sweep1"
            assert len(run.curve("diagnosis/loss")) == 2
            assert 0 <= run.summary["diagnosis/val/auroc"] <= 1
        assert server.runs["trial1"].curve("shapes/loss")
        assert not server.runs["trial2"].curve("shapes/loss")
        assert server.runs["trial2"].summary["shapes/loss"] == pytest.approx(
            server.runs["trial1"].summary["shapes/loss"]
        )
    store = Store(tmp_path / "store")
    assert len(list(store)) == 3
    plan = make_plan(load_tiny("chain=[shapes,diagnosis]", f"{LR}=0.0001"))
    assert store.manifest(plan.chain[1].fingerprint).wandb == "trial2"
