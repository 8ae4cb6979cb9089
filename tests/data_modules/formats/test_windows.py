"""Windows on Hounsfield units."""

from typing import Any

import numpy as np
import pytest

from data_modules.errors import DataError
from data_modules.formats.windows import in_levels, window_levels, window_name


def test_named_windows_are_those_of_radiology() -> None:
    assert window_levels("lung").ranges == ((-1350.0, 150.0),)
    assert window_levels("mediastinum").ranges == ((-150.0, 250.0),)
    assert window_levels("bone").ranges == ((-500.0, 1300.0),)
    three = window_levels(["lung", "bone", {"centre": 0, "width": 10}])
    assert three.ranges == ((-1350.0, 150.0), (-500.0, 1300.0), (-5.0, 5.0))
    assert window_name(["lung", {"centre": 0, "width": 10}]) == "lung+centre 0 width 10"


def test_values_beyond_a_window_are_black_and_white_and_nothing_is_black() -> None:
    values = np.array([-2000.0, -1350, -600, 150, 3000, np.nan])
    np.testing.assert_array_equal(in_levels(values, -1350, 150), [0, 0, 128, 255, 255, 0])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lungs", "did you mean 'lung'"),
        ({"centre": 1}, "is no window"),
        ({"centre": 1, "width": 0}, "shows nothing"),
        ({"centre": True, "width": 3}, "is no window"),
        (["lung", "bone"], "2 windows; give one, or three"),
        (5, "is no window"),
    ],
)
def test_what_is_no_window_is_refused(setting: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        window_levels(setting)
