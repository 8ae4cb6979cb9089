"""The option that says which slices of a scan are images."""

from typing import Any

import pytest

from data_modules.errors import DataError
from data_modules.slices import Slices, slices_of


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ("all", Slices()),
        ({"every": 5}, Slices(every=5)),
        ({"lungs": 0.03}, Slices(lungs=0.03)),
        ({"different": 8}, Slices(different=8)),
        ({"different": 8, "every": 2, "lungs": 0.1}, Slices(2, 0.1, 8)),
    ],
)
def test_what_can_be_asked_for(option: Any, wanted: Slices) -> None:
    assert slices_of(option) == wanted
    assert wanted.looks == (wanted.lungs > 0 or wanted.different > 0)


@pytest.mark.parametrize(
    "option",
    [
        "some",
        "lungs",
        {},
        {"each": 2},
        {"every": 0},
        {"every": 1.5},
        {"every": True},
        {"lungs": 0},
        {"lungs": 1},
        {"lungs": "most"},
        {"different": 0},
        {"different": "8"},
    ],
)
def test_other_options_are_refused_in_one_line(option: Any) -> None:
    with pytest.raises(
        DataError, match=r"data\.options\.slices: write all, or any of every"
    ) as error:
        slices_of(option)
    assert "\n" not in str(error.value)
