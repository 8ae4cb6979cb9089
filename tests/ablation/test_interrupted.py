"""An ablation that is interrupted resumes where it was, and leaves what it found."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from matl.orchestrator.store import Store

ABLATION = """
name: tiny
experiment: tiny.yaml
arms:
  attention: [backbone.operator=attention]
  convolution: [backbone.operator=convolution]
regimes:
  shapes: [shapes, diagnosis]
seeds: [0, 1]
analysis: {comparison: [attention, convolution], regime: shapes, split: official}
"""
STAGES = 2 * 2 * 3
PATIENCE, PATIENCE_FOR_THE_LAST = 600, 20


def begin(file: Path, *words: str) -> subprocess.Popen[bytes]:
    """`matl ablate` in a session of its own, its words appended to a log beside the file."""
    matl = [sys.executable, "-c", "from matl.cli import main; main()"]
    command = [*matl, "ablate", str(file), *words]
    with (file.parent / "log.txt").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def wait_for_stages(file: Path, number: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(list(Store(file.parent / "store"))) < number:
        assert time.monotonic() < end, (file.parent / "log.txt").read_text()
        time.sleep(0.05)


@pytest.fixture
def file(tiny_file: Path) -> Path:
    place = tiny_file.parent / "ablation.yaml"
    place.write_text(ABLATION)
    return place


@pytest.mark.slow
def test_a_killed_ablation_trains_no_finished_stage_again(file: Path) -> None:
    for number in (2, 7):
        running = begin(file)
        wait_for_stages(file, number)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert begin(file).wait(PATIENCE) == 0
    logs = (file.parent / "runs" / "tiny-ablation" / "logs").glob("*.txt")
    log = "".join(one.read_text() for one in logs)
    times = Counter(re.findall(r"training \(([0-9a-f]{16})\)", log))
    assert len(times) == STAGES
    assert times.total() <= STAGES + 2
    cells = pd.read_csv(file.parent / "runs" / "tiny-ablation" / "cells.csv")
    assert set(cells["state"]) == {"finished"}


@pytest.mark.slow
def test_an_interrupted_ablation_leaves_its_results_and_no_process(file: Path) -> None:
    running = begin(file, "--jobs", "2")
    wait_for_stages(file, 5)
    list_session = ["pgrep", "-a", "-s", str(running.pid)]
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE) == 130
    folder = file.parent / "runs" / "tiny-ablation"
    states = set(pd.read_csv(folder / "cells.csv")["state"])
    assert states == {"finished", "missing"}
    assert (folder / "report.html").is_file()
    end = time.monotonic() + PATIENCE_FOR_THE_LAST
    while left := subprocess.run(list_session, capture_output=True, text=True).stdout:
        assert time.monotonic() < end, left
        time.sleep(0.1)
