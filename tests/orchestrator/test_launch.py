"""A process of a stage that ends is named, the others stop, and a new group resumes."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from damaged import damage, flip
from interrupted import BrokenOff, failing_at
from safetensors.torch import load_file
from tiny import Load

from data_modules.errors import DataError
from matl.errors import MatlError, ProcessEnded
from matl.names import BACKBONE, CHECKPOINT, HEADS
from matl.orchestrator.fit import fit
from matl.orchestrator.job import Job
from matl.orchestrator.launch import FIRST_PORT, PORTS, launch, stage_port
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job
from matl.preemption import Preempted
from matl.stages.base import Stage

TWO = ("trainer.devices=2", "chain=[diagnosis]")


def job_of(load_tiny: Load, *overrides: str) -> Job:
    plan = make_plan(load_tiny(*TWO, *overrides))
    return stage_job(plan, plan.chain[0], Store(plan.experiment.store))


def ends_on_one(end: Callable[[], None]) -> None:
    """Process 1 ends; process 0 would go on for minutes."""
    if os.environ["RANK"] == "1":
        end()
    time.sleep(300)


def raises(job: Job) -> None:
    ends_on_one(lambda: [][1])


def meets_a_mistake(job: Job) -> None:
    def end() -> None:
        raise DataError("scans: is no folder")

    ends_on_one(end)


def exits(job: Job) -> None:
    def end() -> None:
        print("the driver is gone", file=sys.stderr, flush=True)
        os._exit(7)

    ends_on_one(end)


def is_killed(job: Job) -> None:
    ends_on_one(lambda: os.kill(os.getpid(), signal.SIGKILL))


def is_to_give_the_machine_back(job: Job) -> None:
    ends_on_one(lambda: os.kill(os.getpid(), signal.SIGUSR1))


def is_aborted(job: Job) -> None:
    ends_on_one(os.abort)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "error", "said"),
    [
        (raises, ProcessEnded, r"process 1 failed\. The others .* IndexError: list index out"),
        (meets_a_mistake, DataError, r"process 1 ended: scans: is no folder$"),
        (exits, ProcessEnded, r"process 1 ended with exit code 7\. .*  the driver is gone$"),
        (is_killed, MatlError, r"process 1 ended: it was killed \(SIGKILL\).*smaller batch_size"),
        (is_aborted, ProcessEnded, r"process 1 was ended by SIGABRT"),
    ],
)
def test_a_process_that_ends_is_named_and_the_others_stop(
    load_tiny: Load, entry: Callable[[Job], None], error: type[Exception], said: str
) -> None:
    started = time.monotonic()
    with pytest.raises(error, match=rf"(?s)^stages\.diagnosis: {said}"):
        launch(entry, job_of(load_tiny))
    assert time.monotonic() - started < 120


@pytest.mark.slow
def test_a_signal_to_one_process_outside_training_preempts_all(load_tiny: Load) -> None:
    with pytest.raises(Preempted):
        launch(is_to_give_the_machine_back, job_of(load_tiny, "trainer.max_restarts=1"))


def fails_once(job: Job) -> None:
    """Process 1 fails in the second epoch of the first attempt."""
    failed = job.workspace / "failed"
    if os.environ["RANK"] == "1" and not failed.exists():
        failed.touch()
        Stage.training_step = failing_at(epoch=1, step=1)  # in this process alone
    fit(job)


def fails_and_damages(job: Job) -> None:
    """The same, and the checkpoint is damaged that both resumed from."""
    try:
        fails_once(job)
    except BrokenOff:
        damage(job.workspace / CHECKPOINT, flip)
        raise


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [False, True])
def test_a_group_started_again_goes_on_from_the_last_whole_checkpoint(
    load_tiny: Load, tmp_path: Path, capfd: pytest.CaptureFixture[str], damaged: bool
) -> None:
    every = "stages.diagnosis.checkpoint_every=1"
    straight = job_of(load_tiny, every, f"store={tmp_path / 'straight'}")
    launch(fit, straight)
    broken_off = job_of(load_tiny, every, "trainer.max_restarts=1")
    assert broken_off.stage.fingerprint == straight.stage.fingerprint
    launch(fails_and_damages if damaged else fails_once, broken_off)
    assert capfd.readouterr().out.count("its SHA-256 is not that") == damaged
    for name in (BACKBONE, HEADS):
        expected = load_file(straight.workspace / name)
        weights = load_file(broken_off.workspace / name)
        assert all(weights[key].equal(value) for key, value in expected.items())


def test_stages_meet_at_ports_of_their_own() -> None:
    ports = {stage_port(f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}") for number in range(20)}
    assert len(ports) == 20
    assert all(FIRST_PORT <= port < FIRST_PORT + PORTS for port in ports)
