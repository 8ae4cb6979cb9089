"""Which slices of a scan are images."""

from collections.abc import Mapping
from typing import Any

from data_modules.errors import DataError

SLICES = "data.options.slices: write all, or {every: 5} for each fifth slice"


def step_of(slices: Any) -> int:
    """Each how many-th slice is taken, by the option `slices`.

    Raises:
        DataError: The option is neither `all` nor `{every: n}`.
    """
    if slices == "all":
        return 1
    if isinstance(slices, Mapping) and set(slices) == {"every"}:
        every = slices["every"]
        if type(every) is int and every > 0:
            return every
    raise DataError(f"{SLICES}; {slices!r} is neither")
