"""Windows on Hounsfield units: which part of their range is seen, by name or in numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from data_modules.errors import DataError, did_you_mean
from data_modules.formats.places import HOUNSFIELD, Levels, Range

WINDOWS = {"lung": (-600.0, 1500.0), "mediastinum": (50.0, 400.0), "bone": (400.0, 1800.0)}
"""Centre and width in Hounsfield units."""
DEFAULT = "lung"
CHANNELS = (1, 3)
HOW = f"write {', '.join(WINDOWS)}, {{centre: -600, width: 1500}}, or a list of three"
LEAST_AIR = -200.0
"""A CT with no value below this shows no air, so that its values may be no Hounsfield units."""


def window_levels(setting: Any) -> Levels:
    """The grey levels of a window, or of a list of them, one for each channel.

    The linear exact function of DICOM PS3.3 C.11.2.1.3.2: from centre - width / 2 to centre +
    width / 2.

    Raises:
        DataError: There is no such window.
    """
    listed = list(setting) if isinstance(setting, list | tuple) else [setting]
    if len(listed) not in CHANNELS:
        raise DataError(f"data.window: {len(listed)} windows; give one, or three (the channels)")
    return Levels(tuple(_range(*_window(one)) for one in listed), HOUNSFIELD)


def window_name(setting: Any) -> str:
    """The name of what `window_levels` takes."""
    listed = list(setting) if isinstance(setting, list | tuple) else [setting]
    return "+".join(one if isinstance(one, str) else _described(one) for one in listed)


def count_windows(setting: Any) -> int:
    """How many windows a setting lists."""
    return len(setting) if isinstance(setting, list | tuple) else 1


def in_levels(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as grey levels.

    Args:
        values: Of any shape; NaN, and what is not known, becomes black.
        low: What becomes 0, as all values below it do.
        high: What becomes 255, as all values above it do.

    Returns:
        uint8 of the same shape.
    """
    share = (values.astype(np.float64) - low) * (255 / max(high - low, 1e-12))
    return np.rint(np.clip(np.nan_to_num(share, nan=0.0), 0, 255)).astype(np.uint8)


def _described(one: Mapping[str, Any]) -> str:
    centre, width = _window(one)
    return f"centre {centre:g} width {width:g}"


def _range(centre: float, width: float) -> Range:
    return centre - width / 2, centre + width / 2


def _window(one: Any) -> tuple[float, float]:
    if isinstance(one, str):
        if one not in WINDOWS:
            raise DataError(f"data.window: '{one}' is unknown; {did_you_mean(one, WINDOWS)}")
        return WINDOWS[one]
    if not isinstance(one, Mapping) or set(one) != {"centre", "width"}:
        raise DataError(f"data.window: {one!r} is no window; {HOW}")
    numbers = [one["centre"], one["width"]]
    if not all(type(value) in (int, float) and np.isfinite(value) for value in numbers):
        raise DataError(f"data.window: {dict(one)!r} is no window; {HOW}")
    if one["width"] <= 0:
        raise DataError(f"data.window: a width of {one['width']} shows nothing; set more than 0")
    return float(one["centre"]), float(one["width"])
