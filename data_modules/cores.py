"""Work that Python itself does, shared among the processor's cores."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

FEW = 128
"""Items for which further processes would start later than this one is done."""


def on_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield `function(item)` in order, computed in a process per core; in this one for few items.

    Where nothing else heeds SIGTERM, it raises `SystemExit` meanwhile, so that the processes end,
    too.

    Args:
        function: Picklable, and so are what it takes and returns; a function of a module.
        items: What it is called on.
    """
    if len(items) <= FEW:
        yield from map(function, items)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    with _ended_in_order():
        try:
            yield from Parallel(n_jobs=-1, return_as="generator")(
                delayed(function)(item) for item in items
            )
        finally:
            get_reusable_executor().shutdown(wait=False)  # else idle processes keep their memory


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Lets SIGTERM raise `SystemExit` in the main thread, where it would end this process alone."""
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
