"""The terminal that everything is shown on."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.text import Text

TABLE_WIDTH = 100
_STANDARD_OUTPUT = 1


def terminal() -> Console:
    """Standard output, as wide as the tables need where it goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=TABLE_WIDTH)


def show_notes(notes: Iterable[str], console: Console) -> None:
    """Prints notes, each as a line that is not read as markup; warnings stand out."""
    for note in notes:
        console.print(Text(note, style="bold" if "WARNING" in note else ""))


@contextmanager
def output_to(file: Path) -> Iterator[None]:
    """Appends to a file what this process and its children print to standard output."""
    sys.stdout.flush()
    before = os.dup(_STANDARD_OUTPUT)
    with file.open("a") as log:
        os.dup2(log.fileno(), _STANDARD_OUTPUT)
        try:
            with redirect_stdout(log):
                yield
        finally:
            os.dup2(before, _STANDARD_OUTPUT)
            os.close(before)


@contextmanager
def same_screen(console: Console) -> Iterator[Console]:
    """A console that still shows on the given one's screen while `output_to` is in use."""
    try:
        copy = os.dup(console.file.fileno())
    except (OSError, AttributeError):  # no file of the system's, and so not redirected
        yield console
        return
    width = None if console.is_terminal else console.width
    with os.fdopen(copy, "w", encoding=console.encoding) as file:
        yield Console(file=file, force_terminal=console.is_terminal, width=width)
