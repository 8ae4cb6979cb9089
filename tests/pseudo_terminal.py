"""A command in a terminal of a given width."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_RULE = re.compile(r"─{5,}")


def shown_in_terminal(words: list[str], width: int, folder: Path) -> list[str]:
    """The lines that `matl` shows, as they are before the terminal breaks those that are longer.

    Args:
        words: What is typed behind `matl`.
        width: Columns of the terminal.
        folder: Where it is typed.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    command = [sys.executable, "-c", "from matl.cli import main; main()", *words]
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    streams = {"stdin": its, "stdout": its, "stderr": its}
    with subprocess.Popen(command, cwd=folder, env=environment, **streams) as running:
        os.close(its)
        printed = b""
        with suppress(OSError):  # the end of a pseudo-terminal is an error
            while part := os.read(ours, 65536):
                printed += part
        os.close(ours)
    assert running.returncode == 0, printed.decode()
    text = _CODES.sub("", printed.decode())
    return [line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n")]


def tables_of(lines: list[str]) -> list[list[str]]:
    """Each table's lines: its header, the rule and all up to the next empty line."""
    tables = []
    for place, line in enumerate(lines):
        if _RULE.fullmatch(line):
            end = next((at for at in range(place, len(lines)) if not lines[at]), len(lines))
            tables.append(lines[place - 1 : end])
    return tables


def numbers_in(text: str) -> set[str]:
    """Every decimal number, with its brackets and signs left out."""
    return set(re.findall(r"\d+\.\d+", text))
