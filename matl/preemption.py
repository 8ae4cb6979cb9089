"""A machine that must be given back: a command ends soon, and asks to be queued again."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

PREEMPTED = "preempted; the same command resumes from the last checkpoint"
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2
REQUEUE = 75  # EX_TEMPFAIL of sysexits.h: try the same again later
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGUSR1", "SIGHUP") if hasattr(signal, name)
)
"""SIGHUP comes where a terminal is closed; Windows has the first alone."""
Handler = Callable[[int, FrameType | None], Any]


class Preempted(SystemExit):
    """Ends the command with the code `REQUEUE`; the same command resumes."""


@contextmanager
def ends_when_preempted() -> Iterator[None]:
    """Ends a block at the signals; what it does may be killed at any moment."""
    with handlers_kept():
        on_signal(_end)
        yield


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Puts the handlers of these signals and of Ctrl-C back afterwards, whoever replaced them."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, *SIGNALS)}
    try:
        yield
    finally:
        if _may_handle():
            for one, handler in before.items():
                signal.signal(one, signal.SIG_DFL if handler is None else handler)


def on_signal(handler: Handler) -> None:
    """Calls a handler at the signals that are heeded; nothing changes outside the main thread.

    A signal that is ignored, as SIGHUP under nohup, stays so.
    """
    screens = [stream for stream in (_STANDARD_OUTPUT, _STANDARD_ERROR) if os.isatty(stream)]

    def handle(number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _leave(screens)
        handler(number, frame)

    if _may_handle():
        for one in SIGNALS:
            if signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, handle)


def end_at_once(number: int, frame: FrameType | None) -> None:
    """Ends a command that has done nothing yet, as while it imports."""
    with suppress(OSError):
        os.write(_STANDARD_ERROR, f"{PREEMPTED}\n".encode())
    os._exit(REQUEUE)


def _end(number: int, frame: FrameType | None) -> None:
    raise Preempted(REQUEUE)


def _leave(screens: Iterable[int]) -> None:
    """What is printed to a terminal that is closed would fail, and with it the last checkpoint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in screens:
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _may_handle() -> bool:
    return threading.current_thread() is threading.main_thread()
