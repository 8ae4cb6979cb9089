"""Which slices of a scan are images, as the option `slices` says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_modules.errors import DataError

HOW = (
    "data.options.slices: write all, or any of every (each fifth slice: {every: 5}), lungs (at "
    "least 3 % of the slice: {lungs: 0.03}) and different (the 8 most different: {different: 8})"
)
KEYS = ("every", "lungs", "different")


@dataclass(frozen=True)
class Slices:
    """Which slices are taken; what says more than one thing is applied in this order.

    Attributes:
        every: Each how many-th slice.
        lungs: The least share of a slice that is lung, in [0, 1); 0 asks for none.
        different: How many of a scan, the most different ones; 0 takes all.
    """

    every: int = 1
    lungs: float = 0.0
    different: int = 0

    @property
    def looks(self) -> bool:
        """Whether pixels decide."""
        return self.lungs > 0 or self.different > 0


def slices_of(option: Any) -> Slices:
    """Read the option `slices`.

    Raises:
        DataError: It is neither `all` nor a mapping with `every`, `lungs` or `different`.
    """
    if option == "all":
        return Slices()
    if not isinstance(option, Mapping) or not option or not set(option) <= set(KEYS):
        raise DataError(f"{HOW}; {option!r} is neither")
    for key in ("every", "different"):
        value = option.get(key, 1)
        if type(value) is not int or value < 1:
            raise DataError(f"{HOW}; {key} is a whole number from 1 on, not {value!r}")
    share = option.get("lungs", 0.5)
    if type(share) not in (int, float) or not 0 < share < 1:
        raise DataError(f"{HOW}; lungs is a share between 0 and 1, not {share!r}")
    return Slices(**option)
