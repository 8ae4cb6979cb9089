"""Work that Python itself does, shared among the processor's cores."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

FEW = 128
"""Items for which further processes would start later than this one is done."""


def on_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield `function(item)` in order, computed in a process per core; in this one for few items.

    Args:
        function: Picklable, and so are what it takes and returns; a function of a module.
        items: What it is called on.
    """
    if len(items) <= FEW:
        yield from map(function, items)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    try:
        yield from Parallel(n_jobs=-1, return_as="generator")(
            delayed(function)(item) for item in items
        )
    finally:
        get_reusable_executor().shutdown(wait=False)  # else idle processes would keep their memory
