"""Killed at any moment, the same command resumes and ends with the undisturbed weights."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from interrupted import BrokenOff, command, failing_at, finish
from tiny import Load, run_quietly, weights

from matl.orchestrator.store import Store
from matl.stages.base import Stage

Moment = Callable[[Path], bool]


def kill_at(file: Path, moment: Moment, *overrides: str) -> None:
    """Runs an experiment in a process group of its own, killed with SIGKILL at a moment."""
    process = subprocess.Popen(
        command(file, *overrides), stdout=subprocess.DEVNULL, start_new_session=True
    )
    folder = file.parent
    deadline = time.monotonic() + 120
    while not moment(folder):
        assert process.poll() is None, "the run ended before the moment came"
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def in_stage(name: str) -> Moment:
    """A checkpoint of the stage is in the store, and the stage is not finished."""

    def moment(folder: Path) -> bool:
        files = [*(folder / "store" / "unfinished").glob("*/last.ckpt")]
        finished = len([*(folder / "store").glob("*/manifest.json")])
        return bool(files) and finished == ["shapes", "lung", "diagnosis"].index(name)

    return moment


def between_stages(folder: Path) -> bool:
    return bool([*(folder / "store").glob("*/manifest.json")])


def in_cache_build(folder: Path) -> bool:
    """Something was written to the cache, and no array in it is complete yet."""
    return any((folder / "cache").rglob("*")) and not [*(folder / "cache").rglob("meta.json")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [in_stage("shapes"), in_stage("lung"), in_stage("diagnosis"), between_stages, in_cache_build],
    ids=["in shapes", "in lung", "in diagnosis", "between stages", "in the cache build"],
)
def test_killed_anywhere_ends_with_the_same_weights(tiny_file: Path, moment: Moment) -> None:
    kill_at(tiny_file, moment)
    finish(tiny_file)
    broken_off = weights(tiny_file.parent)
    straight = tiny_file.parent / "straight"
    straight.mkdir()
    places = [f"{name}={straight / name}" for name in ("store", "cache", "runs")]
    finish(tiny_file, *places)
    assert weights(straight) == broken_off
    assert len(broken_off) == 6


@pytest.mark.parametrize("last", ["diagnosis", pytest.param("lung", marks=pytest.mark.slow)])
def test_broken_off_inside_an_epoch_ends_with_the_same_weights(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """A step that fails stands for the kill; the slow tests kill for real."""
    chain = ["chain=[diagnosis]"] if last == "diagnosis" else ["chain=[lung,diagnosis]"]
    settings = [*chain, "stages.lung.checkpoint_every=1", "stages.diagnosis.checkpoint_every=1"]
    straight = [f"{name}={tmp_path / 'straight' / name}" for name in ("store", "runs")]
    run_quietly(load_tiny(*settings, *straight))
    with monkeypatch.context() as broken:
        broken.setattr(Stage, "training_step", failing_at(epoch=1, step=1))
        with pytest.raises(BrokenOff):
            run_quietly(load_tiny(*settings))
    assert (next((tmp_path / "store" / "unfinished").glob("*/last.ckpt"))).exists()
    record, _, _ = run_quietly(load_tiny(*settings))
    assert weights(tmp_path / "straight") == weights(tmp_path)
    for curves in record.curves.values():
        assert curves["seconds"].max() < 60  # not the time since the machine was started


@pytest.mark.slow
def test_two_runs_at_once_train_each_stage_once(tiny_file: Path) -> None:
    runs = [
        subprocess.Popen(command(tiny_file), stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    shown = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    trained = [name for text in shown for name in re.findall(r"^(\w+): training", text, re.M)]
    assert sorted(trained) == ["diagnosis", "lung", "shapes"]


@pytest.mark.slow
def test_a_keyboard_interrupt_says_how_to_go_on(tiny_file: Path) -> None:
    process = subprocess.Popen(
        command(tiny_file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not in_stage("shapes")(tiny_file.parent):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert "the same command resumes from the last checkpoint" in process.communicate()[1]
    assert process.returncode == 130


@pytest.mark.slow
def test_divergence_in_two_processes_is_one_line(tiny_file: Path) -> None:
    wild = ["optimizer=sgd", "lr=1e30", "clip=0", "schedule=constant", "warmup=0"]
    words = [f"stages.shapes.{setting}" for setting in wild]
    done = subprocess.run(
        command(tiny_file, *words, "trainer.devices=2"), capture_output=True, text=True
    )
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert re.match(r"error: stages\.shapes: process [01] ended: .*training diverged", last)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_two_processes_train_every_task(tiny_file: Path) -> None:
    shown = finish(tiny_file, "trainer.devices=2")
    assert "diagnosis" in shown
    store = Store(tiny_file.parent / "store")
    manifests = [store.manifest(entry) for entry in store]
    assert [manifest.identity["trainer"]["processes"] for manifest in manifests] == [2, 2, 2]
    scores = [*(tiny_file.parent / "runs").glob("*/metrics.json")]
    rows = json.loads(scores[0].read_text())["metrics"]
    assert {row["images"] for row in rows if row["split"] == "test"} == {4}
