"""A machine that must be given back: a command ends soon, and asks to be queued again."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

REQUEUE = 75  # EX_TEMPFAIL of sysexits.h: try the same again later
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
Handler = Callable[[int, FrameType | None], Any]


class Preempted(SystemExit):
    """Ends the command with the code `REQUEUE`; the same command resumes."""


@contextmanager
def ends_when_preempted() -> Iterator[None]:
    """Ends a block at SIGTERM and SIGUSR1; what it does may be killed at any moment."""
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
    """Calls a handler at SIGTERM and SIGUSR1; nothing changes outside the main thread."""
    if _may_handle():
        for one in SIGNALS:
            signal.signal(one, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise Preempted(REQUEUE)


def _may_handle() -> bool:
    return threading.current_thread() is threading.main_thread()
