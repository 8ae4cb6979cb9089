"""Work shared among the processor's cores."""

import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from data_modules.cores import FEW, on_cores
from data_modules.phantom import index_patches, index_xray


def square(number: int, add: int = 0) -> tuple[int, int]:
    return number**2 + add, os.getpid()


def fail_at(number: int, last: int) -> int:
    if number == last:
        raise ValueError(f"{number} is bad")
    return number


def test_many_items_are_worked_on_in_order_by_other_processes():
    results = list(on_cores(partial(square, add=1), range(FEW + 9)))
    assert [value for value, _ in results] == [number**2 + 1 for number in range(FEW + 9)]
    assert os.getpid() not in {process for _, process in results}


def test_few_items_start_no_process():
    assert {process for _, process in on_cores(square, range(3))} == {os.getpid()}


@pytest.mark.parametrize("count", [3, FEW + 9])
def test_an_error_is_the_callers(count):
    with pytest.raises(ValueError, match="is bad"):
        list(on_cores(partial(fail_at, last=count - 1), range(count)))


def test_a_process_that_is_ended_ends_its_processes_without_a_warning():
    code = (
        "import time\nfrom data_modules.cores import on_cores\n"
        "for _ in on_cores(time.sleep, [0.02] * 9000): print(flush=True)"
    )
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert errors == ""
    assert process.returncode == 128 + signal.SIGTERM


def test_signals_are_heeded_as_before_once_the_work_is_done():
    before = signal.getsignal(signal.SIGTERM)
    assert len(list(on_cores(abs, range(FEW + 1)))) == FEW + 1
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("index", [index_xray, index_patches])
def test_a_phantom_is_the_same_by_however_many_processes_it_is_drawn(tmp_path, index):
    few = index(tmp_path / "few", patients=8, size=32)
    many = index(tmp_path / "many", patients=FEW + 8, size=32)
    for path in few.table["path"]:
        both = [np.asarray((one.root / path).read_bytes()) for one in (few, many)]
        assert both[0] == both[1], path
