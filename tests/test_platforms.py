"""What Windows or macOS lack is not needed: here it is taken away before matl is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from matl.config import load_experiment
from matl.errors import MatlError

ELSEWHERE = """
import os, signal, sys
usr1 = signal.SIGUSR1
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT", "SIGALRM"):
    delattr(signal, name)
del os.sched_getaffinity
sys.modules["resource"] = None
import matl.cli
if "run" in sys.argv:
    import matl.orchestrator.fit
    import matl.orchestrator.launch

    signal.SIGUSR1 = usr1  # Lightning asks for it on all systems but Windows
sys.argv = ["matl", *sys.argv[1:]]
matl.cli.main()
"""


@pytest.mark.parametrize(
    "words", [["--help"], ["config"], ["plan"], ["run"]], ids=lambda words: words[0]
)
def test_commands_do_without(words: list[str], tiny_file: Path) -> None:
    if not words[0].startswith("-"):
        words = [*words, str(tiny_file)]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *words],
        cwd=tiny_file.parent,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_accelerator_that_was_never_tested_is_refused_with_the_reason(tiny_file: Path) -> None:
    with pytest.raises(MatlError, match=r"trainer\.accelerator: 'mps' is not possible: .* use cpu"):
        load_experiment(tiny_file, ["trainer.accelerator=mps"])
