"""Whatever W&B does, training continues, ends with the same weights, and loses no curve."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import wandb
from interrupted import BrokenOff, failing_at
from tiny import Load, console_of, run_quietly, weights, write_tiny
from torch import Tensor
from wandb_files import recorded
from wandb_server import API_KEY, StandIn, stand_in

from matl.config import load_experiment
from matl.errors import MatlError
from matl.orchestrator import wandb_run
from matl.orchestrator.wandb_report import upload_command
from matl.orchestrator.wandb_run import SafeRun
from matl.stages.base import Stage

SETTINGS = ("chain=[shapes,diagnosis]", "stages.shapes.epochs=3", "stages.diagnosis.epochs=3")
Act = Callable[[StandIn], None]
Weights = dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, phantom_root: Path) -> Weights:
    """Weights of the same experiment without W&B."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run_quietly(load_experiment(write_tiny(folder, phantom_root), SETTINGS))
    return weights(folder)


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wandb_session: None
) -> Iterator[StandIn]:
    """A server that this process logs in to; impatience with it, so that tests are quick."""
    with stand_in() as state:
        monkeypatch.setenv("WANDB_BASE_URL", state.url)
        monkeypatch.setenv("WANDB_API_KEY", API_KEY)
        monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "3")
        monkeypatch.setattr(wandb.Api, "_HTTP_TIMEOUT", 2)
        monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "wandb-data"))
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setattr(wandb_run, "ANSWER_SECONDS", 1)
        yield state


def services() -> list[int]:
    """wandb's service processes that this process has started."""
    listed = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "wandb-core"], capture_output=True, text=True
    )
    return [int(line) for line in listed.stdout.split()]


def hang(server: StandIn) -> None:
    server.hanging.set()


def die(server: StandIn) -> None:
    server.die()


def kill_service(server: StandIn | None = None) -> None:
    for service in services():
        os.kill(service, signal.SIGKILL)
    time.sleep(0.2)


def stop_service(server: StandIn) -> None:
    for service in services():
        os.kill(service, signal.SIGSTOP)


def before_a_step(act: Callable[[], None]) -> Callable[..., Tensor]:
    """The training step, before which something happens once, in the second epoch."""
    whole, happened = Stage.training_step, []

    def training_step(stage: Stage, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        if stage.current_epoch == 1 and not happened:
            happened.append(True)
            act()
        return whole(stage, batch, batch_idx)

    return training_step


@pytest.mark.slow
def test_a_healthy_server_has_everything_at_the_end(
    load_tiny: Load,
    tmp_path: Path,
    server: StandIn,
    undisturbed: Weights,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "20")
    experiment = load_tiny(*SETTINGS, "logger.wandb=online")
    record, folder, _ = run_quietly(experiment)
    told = {run.name: run for run in server.runs.values()}
    assert list(told) == ["shapes", "diagnosis", folder.name]
    assert {run.group for run in told.values()} == {folder.name}
    assert all(run.exit_codes == [0] for run in told.values())
    for name in ("shapes", "diagnosis"):
        assert told[name].curve("loss") == pytest.approx(record.curves[name]["loss"].tolist())
    assert told["diagnosis"].used == told["shapes"].logged
    assert told[folder.name].used == told["diagnosis"].logged
    assert {"diagnosis", "stages", "figures", "report"} <= set(told[folder.name].summary)
    assert upload_command(experiment.runs, record, folder) is None
    assert weights(tmp_path) == undisturbed


@pytest.mark.slow
def test_a_stage_that_was_broken_off_goes_on_in_its_run(
    load_tiny: Load, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = load_tiny("logger.wandb=online", "chain=[diagnosis]")
    with monkeypatch.context() as broken:
        broken.setattr(Stage, "training_step", failing_at(epoch=1, step=0))
        with pytest.raises(BrokenOff):
            run_quietly(experiment)
    run_quietly(experiment)
    diagnosis, _ = server.runs.values()
    assert diagnosis.curve("epoch") == [0, 0, 1, 1]
    assert diagnosis.exit_codes == [1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("act", [hang, stop_service])
def test_an_interrupted_run_does_not_wait_for_wandb(
    load_tiny: Load,
    tmp_path: Path,
    server: StandIn,
    undisturbed: Weights,
    monkeypatch: pytest.MonkeyPatch,
    act: Act,
) -> None:
    """SIGINT, and SIGTERM where a scheduler takes the machine away, come with little time."""

    def interrupt() -> None:
        act(server)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(wandb_run, "HURRY_SECONDS", 3)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(Stage, "training_step", before_a_step(interrupt))
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run_quietly(load_tiny(*SETTINGS, "logger.wandb=online"))
    assert time.monotonic() - began < 30
    assert not services()
    server.hanging.clear()
    run_quietly(load_tiny(*SETTINGS, "logger.wandb=online"))
    assert weights(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("act", [hang, die])
def test_a_server_that_is_silent_from_the_start(
    load_tiny: Load,
    tmp_path: Path,
    server: StandIn,
    undisturbed: Weights,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    act: Act,
) -> None:
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "2")
    act(server)
    goes_on_offline(load_tiny, tmp_path, capfd, times=3)
    assert weights(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("act", [hang, die, kill_service, stop_service])
def test_a_failure_in_the_midst_of_a_stage(
    load_tiny: Load,
    tmp_path: Path,
    server: StandIn,
    undisturbed: Weights,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    act: Act,
) -> None:
    monkeypatch.setattr(Stage, "training_step", before_a_step(lambda: act(server)))
    if act in (hang, die):  # the server is lost for the stages that follow too
        monkeypatch.setenv("WANDB_INIT_TIMEOUT", "10")
    else:  # the report's run has a healthy server, and a busy machine may need time for it
        monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "20")
    goes_on_offline(load_tiny, tmp_path, capfd, times=3 if act in (hang, die) else 1)
    assert weights(tmp_path) == undisturbed


def goes_on_offline(
    load_tiny: Load, tmp_path: Path, capfd: pytest.CaptureFixture[str], times: int
) -> None:
    """Trains while W&B fails; then uploads the record by the command that is shown."""
    experiment = load_tiny(*SETTINGS, "logger.wandb=online")
    record, folder, shown = run_quietly(experiment)
    shown += capfd.readouterr().out
    assert shown.count("the record continues offline") == times, shown
    assert "nothing more is recorded" not in shown
    kept = recorded(tmp_path / "runs")
    assert len(kept) == times
    assert kept[0].curve("loss") == pytest.approx(record.curves["shapes"]["loss"].tolist())
    assert kept[0].exit_codes == [0]
    upload(upload_command(experiment.runs, record, folder), kept[0].identifier, tmp_path)
    assert upload_command(experiment.runs, record, folder) is None


def upload(command: str | None, identifier: str, folder: Path) -> None:
    """A later day: another server, and the command that was printed."""
    assert command is not None
    with stand_in() as later:
        environment = os.environ | {"WANDB_BASE_URL": later.url}
        typed = f"{Path(sys.executable).parent}/{command}"
        done = subprocess.run(["bash", "-c", typed], env=environment, cwd=folder)
        assert done.returncode == 0
        assert len(later.runs[identifier].curve("loss")) == 3
        assert later.runs[identifier].logged


@pytest.mark.parametrize(
    ("key", "expected"),
    [("", "nobody is logged in"), ("y" * 40, "user is not logged in"), ("short", "40+ characters")],
)
def test_a_wrong_key_is_found_before_training(
    load_tiny: Load,
    tmp_path: Path,
    server: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    expected: str,
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", key)
    with pytest.raises(MatlError, match=r"^logger\.wandb: .*run wandb login") as caught:
        run_quietly(load_tiny(*SETTINGS, "logger.wandb=online"))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [*(tmp_path / "store" / "unfinished").glob("*/")]


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_the_environment_makes_less_of_online(
    load_tiny: Load,
    tmp_path: Path,
    server: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    run_quietly(load_tiny("chain=[diagnosis]", "logger.wandb=online"))
    assert not server.calls
    assert len(recorded(tmp_path / "runs")) == (2 if mode == "offline" else 0)


@pytest.mark.slow
def test_what_never_ends_is_left_and_told_again_offline(
    tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, shown = console_of()
    run = SafeRun(console, offline=False, project="matl", id="hangs", dir=tmp_path)
    opened = threading.Event()
    run.add(lambda run: run.log({"loss": 1.0}))
    run.add(lambda run: opened.set())
    run.add(lambda run: run.offline or threading.Event().wait())
    run.add(lambda run: run.log({"loss": 0.5}))
    assert opened.wait(60)
    monkeypatch.setattr(wandb_run, "GRACE_SECONDS", 10.0)
    run.finish()
    [kept] = recorded(tmp_path)
    assert kept.curve("loss") == [1.0, 0.5]
    assert shown.getvalue().count("no answer") == 1


def test_what_fails_offline_too_is_said_once_and_left_alone(tmp_path: Path) -> None:
    console, shown = console_of()
    run = SafeRun(console, offline=True, project="matl", id="fails", dir=tmp_path)
    run.add(lambda run: run.log_artifact(tmp_path / "nowhere"))
    run.finish()
    assert shown.getvalue().count("continues offline") == 1
    assert shown.getvalue().count("nothing more is recorded there") == 1


def test_a_library_is_imported_though_the_service_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wandb_session: None
) -> None:
    """W&B tells its service of such an import, which failed in the thread that imports."""
    console, _ = console_of()
    run = SafeRun(console, offline=True, project="matl", id="dead", dir=tmp_path)
    opened = threading.Event()
    run.add(lambda run: opened.set())
    assert opened.wait(60)
    kill_service()
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("catboost", "xgboost", "autokeras"):
        (tmp_path / f"{name}.py").touch()
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.import_module(name)
    run.finish(hurry=True)
