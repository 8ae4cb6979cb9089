"""One-line messages and suggestions."""

import pytest

from data_modules.errors import did_you_mean, first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  one  \n"), "one"),
        (KeyError("key"), "'key'"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_the_first_line_of_an_error(error: BaseException, line: str):
    assert first_line(error) == line


def test_the_nearest_word_or_all_of_them():
    assert did_you_mean("covidct", ["covid_ct", "csv"]) == "did you mean 'covid_ct'?"
    assert did_you_mean("xyz", ["covid_ct", "csv"]) == "choose from covid_ct, csv"
    assert did_you_mean("xyz", []) == "there is none to choose from"
