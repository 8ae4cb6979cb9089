"""The finished runs of a folder are listed, filtered, sorted and exported."""

from pathlib import Path

import pytest
from report_records import write_run

import matl
from matl.errors import MatlError
from matl.names import EXPERIMENT
from matl.report.run_list import runs_frame, runs_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, skill in enumerate((1.0, 3.0, 0.0)):
        write_run(tmp_path / f"run-{seed}", seed, skill, epochs=3 + seed)
    (tmp_path / "covid-ablation").mkdir()
    (tmp_path / "notes.txt").write_text("of mine")
    return tmp_path


def test_every_finished_run_is_listed(folder: Path) -> None:
    assert [run.folder.name for run in matl.list_runs(folder, sort="run")] == [
        "run-0",
        "run-1",
        "run-2",
    ]


def test_the_best_comes_first(folder: Path) -> None:
    runs = matl.list_runs(folder, sort="auroc")
    values = [run.estimate("chain", "auroc") for run in runs]
    assert [one.value for one in values if one] == sorted(
        (one.value for one in values if one), reverse=True
    )
    assert runs[0].folder.name == "run-1"
    worst_brier_last = matl.list_runs(folder, sort="brier")
    assert worst_brier_last[0].folder.name == "run-1"


def test_a_setting_filters(folder: Path) -> None:
    found = matl.list_runs(folder, ["stages.diagnosis.epochs=4", "seed=1"])
    assert [run.folder.name for run in found] == ["run-1"]
    assert matl.list_runs(folder, ["seed=9"]) == []
    assert matl.list_runs(folder, ["seed=true"]) == []  # although True == 1
    assert len(matl.list_runs(folder, ["seed=1e0"])) == 1


@pytest.mark.parametrize(
    ("where", "sort", "line"),
    [
        (["sed=1"], "run", "--where sed=1: no run has this setting; did you mean 'seed'?"),
        (["seed"], "run", "--where seed: is no key=value, as in seed=1"),
        (["seed=["], "run", r"--where seed=\[: '\[' is no value of YAML"),
        ([], "auroq", "--sort auroq: is none of run, experiment, chain, seed, finished"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    folder: Path, where: list[str], sort: str, line: str
) -> None:
    with pytest.raises(MatlError, match=line.replace("?", r"\?")):
        matl.list_runs(folder, where, sort)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MatlError, match="is no folder of runs; name it with --runs"):
        matl.list_runs(tmp_path / "none")


def test_a_changed_run_is_named(folder: Path) -> None:
    (folder / "run-1" / EXPERIMENT).write_text("name: other")
    with pytest.raises(MatlError, match=r"run-1/experiment.yaml: is damaged or was changed"):
        matl.list_runs(folder)


def test_the_table_and_the_export_hold_the_same_numbers(folder: Path) -> None:
    runs = matl.list_runs(folder, sort="run")
    table, frame = runs_table(runs), runs_frame(runs)
    auroc = frame[(frame["metric"] == "auroc") & (frame["split"] == "test")]
    at = [column.title for column in table.columns].index("Diagnosis")
    shown = [row[at].order for row in table.rows]
    assert shown == auroc["value"].tolist()
    assert [row[at].note != "[none]" for row in table.rows] == auroc["low"].notna().tolist()
    assert auroc["chain"].unique().tolist() == ["lung > diagnosis"]
