"""Signals that end a command softly, from its first moment on."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from matl.preemption import REQUEUE

HEEDING = """
import signal, sys, time
from matl.preemption import ends_when_preempted
with ends_when_preempted():
    print("ready", flush=True)
    time.sleep(20)
"""


def heed_again() -> None:
    """As a child begins where nothing, such as nohup, ignores SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def started(*prefix: str, **options: object) -> "subprocess.Popen[str]":
    words = [*prefix, sys.executable, "-c", HEEDING]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_each_signal_ends_with_the_code_for_a_requeue(number: signal.Signals) -> None:
    process = started(preexec_fn=heed_again)
    process.send_signal(number)
    assert process.wait(10) == REQUEUE


def test_a_signal_that_is_ignored_stays_so() -> None:
    process = started("nohup", stderr=subprocess.DEVNULL)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == REQUEUE


@pytest.mark.parametrize("module", ["omegaconf", "torch"])
def test_a_signal_while_a_run_imports_is_heeded(tiny_file: Path, module: str) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "matl.cli", "run", str(tiny_file)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any(module in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    assert "preempted; the same command resumes" in process.communicate(timeout=20)[1]
    assert process.returncode == REQUEUE


def test_a_terminal_that_is_closed_breaks_nothing() -> None:
    ours, theirs = pty.openpty()
    code = HEEDING.replace("time.sleep(20)", "\n    try: time.sleep(20)\n    finally: print('end')")
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=heed_again,
    )
    os.close(theirs)
    assert os.read(ours, 5) == b"ready"
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(10) == REQUEUE
