"""Values as JSON can hold them, without a path of this machine."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from matl.report.paths import hide_value


def plain_value(value: Any) -> Any:
    """What JSON can hold of a value, its paths hidden; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {hide_value(str(key)): plain_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(one) for one in value]
    if isinstance(value, np.generic):
        return plain_value(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return hide_value(str(value))
