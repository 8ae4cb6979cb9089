"""A machine that is taken back: a checkpoint and an exit code for the requeue, within seconds."""

import os
import signal
import time
from pathlib import Path

import pytest
from faulty import Chain
from tiny import weights

from matl.preemption import REQUEUE

pytestmark = pytest.mark.slow
LONG = ("chain=[diagnosis]", "stages.diagnosis.epochs=60")
SECONDS = 45


def checkpoints(chain: Chain) -> set[int]:
    """What tells the files of checkpoints that lie there now from later ones."""
    files = (chain.store.root / "unfinished").glob("*/last.ckpt")
    return {file.stat().st_ino for file in files}


@pytest.mark.parametrize("processes", [1, 2])
def test_signals_end_a_run_that_goes_on(tmp_path: Path, phantom_root: Path, processes: int) -> None:
    words = (*LONG, f"trainer.devices={processes}")
    chain = Chain(tmp_path / "signalled", phantom_root, words)
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
        before = checkpoints(chain)
        run = chain.start()
        while checkpoints(chain) <= before:
            assert not run.ended_within(0.05), run.shown
        began = time.monotonic()
        os.kill(run.pid, number)
        assert run.end() == REQUEUE, run.shown
        assert time.monotonic() - began < SECONDS
        print(f"{signal.Signals(number).name}: {time.monotonic() - began:.1f} s")
        assert "preempted; the same command resumes" in run.shown
        assert "Traceback" not in run.shown
        chain.check(run)
    chain.finish()
    Chain(tmp_path / "straight", phantom_root, words).finish()
    assert weights(tmp_path / "signalled") == weights(tmp_path / "straight")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_signal_before_training_ends_at_once(
    tmp_path: Path, phantom_root: Path, processes: int
) -> None:
    chain = Chain(tmp_path / "early", phantom_root, (*LONG, f"trainer.devices={processes}"))
    run = chain.start()
    while "training (" not in run.shown:
        assert not run.ended_within(0.05), run.shown
    os.kill(run.pid, signal.SIGTERM)
    assert run.end() == REQUEUE, run.shown
    assert "Traceback" not in run.shown
