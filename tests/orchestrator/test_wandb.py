"""What W&B is told of a run, read back from its offline files."""

import socket
import sys
from pathlib import Path

import pytest
from interrupted import BrokenOff, failing_at, finish
from PIL import Image
from tiny import Load, run_quietly
from wandb_files import Recorded, recorded, records

from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.stages.base import Stage

CHAIN = ("logger.wandb=offline", "chain=[shapes,diagnosis]")


def by_name(runs: list[Recorded]) -> dict[str, Recorded]:
    return {run.name: run for run in runs}


def test_one_run_a_stage_and_one_of_the_report(load_tiny: Load, tmp_path: Path) -> None:
    experiment = load_tiny(*CHAIN)
    record, folder, _ = run_quietly(experiment)
    told = by_name(recorded(tmp_path / "runs"))
    assert list(told) == ["shapes", "diagnosis", folder.name]
    assert {run.group for run in told.values()} == {folder.name}
    assert [run.job_type for run in told.values()] == ["train", "train", "report"]
    assert all(run.exit_codes == [0] for run in told.values())

    shapes, diagnosis, report = told.values()
    names = {name for row in shapes.rows for name in row}
    assert {"loss", "gate/16", "val/accuracy", "trainer/global_step"} <= names
    curve = record.curves["diagnosis"]
    assert diagnosis.curve("loss") == pytest.approx(curve["loss"].tolist())
    assert diagnosis.curve("val/auroc") == pytest.approx(curve["val/auroc"].tolist())

    first, last = (stage.fingerprint for stage in make_plan(experiment).chain)
    assert (shapes.logged, shapes.used) == ([f"weights-{first}"], [])
    assert (diagnosis.logged, diagnosis.used) == ([f"weights-{last}"], [f"weights-{first}"])
    assert report.used == [f"weights-{last}"]
    assert {"diagnosis", "diagnosis_val", "stages", "figures"} <= set(report.rows[0])
    [auroc] = [
        result.metrics["auroc"].value
        for result in record.scored.results("test")
        if result.model == "chain"
    ]
    assert report.summary["test/auroc"] == pytest.approx(auroc)

    ids = [Store(tmp_path / "store").manifest(entry).wandb for entry in (first, last)]
    assert ids == [shapes.identifier, diagnosis.identifier]


def test_a_file_that_is_still_written_is_read_as_far_as_it_is_whole(
    load_tiny: Load, tmp_path: Path
) -> None:
    run_quietly(load_tiny("logger.wandb=offline", "chain=[diagnosis]"))
    assert recorded(tmp_path / "runs")
    file = next((tmp_path / "runs" / "wandb").glob("offline-run-*/*.wandb"))
    whole, content = [*records(file)], file.read_bytes()
    for size in range(0, len(content), 101):
        file.write_bytes(content[:size])
        begun = [*records(file)]
        assert begun == whole[: len(begun)]
    assert 1 < len(begun) <= len(whole)


def test_a_reused_stage_starts_no_run(load_tiny: Load, tmp_path: Path) -> None:
    """Trained without W&B, the first stage's weights are an artifact that the next one uses."""
    run_quietly(load_tiny("logger.wandb=disabled", "chain=[shapes,diagnosis]"))
    assert not (tmp_path / "runs" / "wandb").exists()
    longer = load_tiny(*CHAIN, "stages.diagnosis.epochs=1")
    _, folder, _ = run_quietly(longer)
    told = by_name(recorded(tmp_path / "runs"))
    assert list(told) == ["diagnosis", folder.name]
    first = make_plan(longer).chain[0].fingerprint
    assert told["diagnosis"].used == [f"weights-{first}"]
    run_quietly(longer)
    assert len(recorded(tmp_path / "runs")) == 2


def test_a_stage_that_was_broken_off_goes_on_in_its_run(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = load_tiny("logger.wandb=offline", "chain=[diagnosis]")
    with monkeypatch.context() as broken:
        broken.setattr(Stage, "training_step", failing_at(epoch=1, step=0))
        with pytest.raises(BrokenOff):
            run_quietly(experiment)
    run_quietly(experiment)
    first, second, _ = recorded(tmp_path / "runs")
    assert first.identifier == second.identifier
    assert (first.exit_codes, second.exit_codes) == ([1], [0])
    assert [run.curve("epoch") for run in (first, second)] == [[0, 0], [1, 1]]


def test_fresh_training_is_a_run_of_its_own(load_tiny: Load, tmp_path: Path) -> None:
    experiment = load_tiny("logger.wandb=offline", "chain=[diagnosis]")
    run_quietly(experiment, through=3)
    run_quietly(experiment, fresh=True)
    first, _, second, _ = recorded(tmp_path / "runs")
    assert first.name == second.name == "diagnosis"
    assert first.identifier != second.identifier


def test_where_and_whether_it_is_logged_is_no_part_of_a_stage(load_tiny: Load) -> None:
    plans = [
        make_plan(load_tiny(*words))
        for words in ([], ["logger.wandb=online"], ["logger.project=other"])
    ]
    prints = {tuple(stage.fingerprint for stage in plan.chain) for plan in plans}
    assert len(prints) == 1


def test_pictures_and_the_page_of_a_run_are_logged(load_tiny: Load, tmp_path: Path) -> None:
    """Whatever else wrote them into the run's folder before."""
    _, folder, _ = run_quietly(load_tiny("chain=[diagnosis]"))
    (folder / "overlays").mkdir()
    for name in ("right", "wrong"):
        Image.new("L", (8, 8)).save(folder / "overlays" / f"{name}.png")
    (folder / "report.html").write_text("<p>figures</p>")
    run_quietly(load_tiny("logger.wandb=offline", "chain=[diagnosis]"))
    [report] = recorded(tmp_path / "runs")
    [row] = report.rows
    assert row["overlays"]["captions"] == ["right", "wrong"]
    assert row["report"]["_type"] == "html-file"


@pytest.mark.slow
def test_of_several_processes_one_talks_to_wandb(tiny_file: Path, tmp_path: Path) -> None:
    *_, last = finish(tiny_file, *CHAIN, "trainer.devices=2").strip().splitlines()
    told = recorded(tmp_path / "runs")
    assert [run.name for run in told[:2]] == ["shapes", "diagnosis"]
    assert [run.curve("epoch")[-1] for run in told[:2]] == [2, 5]
    assert len(told) == 3
    assert "wandb sync" in last
    assert all(run.identifier in last for run in told)


def test_no_name_of_the_machine_or_its_user_is_told(load_tiny: Load, tmp_path: Path) -> None:
    run_quietly(load_tiny("logger.wandb=offline", "chain=[diagnosis]"))
    assert recorded(tmp_path / "runs")
    names = {str(tmp_path), str(Path.cwd()), sys.executable}
    for file in (tmp_path / "runs" / "wandb").glob("offline-run-*/*.wandb"):
        for sent in records(file):
            if sent.HasField("run"):
                assert sent.run.host != socket.gethostname()
            if not sent.HasField("artifact"):  # where its files are is for the upload from here
                assert not [name for name in names if name.encode() in sent.SerializeToString()]
    files = (tmp_path / "runs" / "wandb").glob("offline-run-*/files/*")
    assert {file.name for file in files} <= {"media", "wandb-summary.json", "config.yaml"}
