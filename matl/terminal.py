"""The terminal that everything is shown on."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.segment import Segment
from rich.text import Text

from matl.visible import visible

TABLE_WIDTH = 100
_STANDARD_OUTPUT = 1


def terminal() -> Console:
    """Standard output, as wide as the tables need where it goes to a file."""
    console = _plain_console()
    return console if console.is_terminal else _plain_console(width=TABLE_WIDTH)


def _plain_console(**options: Any) -> Console:
    """A console on which no text is markup, and none is obeyed: paths and classes are users'."""
    console = Console(markup=False, emoji=False, **options)
    console.push_render_hook(_ShowOnly())
    return console


class _ShowOnly(RenderHook):
    """Shows the control characters of all that is printed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Shown(one) for one in renderables]


class _Shown:
    def __init__(self, inner: ConsoleRenderable) -> None:
        self.inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.inner, options):
            text = segment.text if segment.control else visible(segment.text)
            yield Segment(text, segment.style, segment.control)


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
        yield _plain_console(file=file, force_terminal=console.is_terminal, width=width)
