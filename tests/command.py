"""The `matl` command in this process; `conftest.py` has it as the fixture `matl`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from matl.cli import main


@dataclass
class Shown:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    returncode: int


Matl = Callable[..., Shown]


def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Matl:
    """The command: words, and the folder that it is typed in."""

    def call(*words: str, folder: Path) -> Shown:
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["matl", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capfd.readouterr()
        return Shown(printed.out, printed.err, code)

    return call
