"""What is said of the demo's five seeds is what its table says, and is of the shipped settings."""

import pandas as pd
import pytest
from conftest import REPOSITORY
from scipy import stats

from benchmarks import demo_evidence
from benchmarks.demo_evidence import ROWS, SEEDS, page, summary, with_interval

TABLE = REPOSITORY / demo_evidence.TABLE


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def test_the_page_is_made_of_the_table_and_of_the_shipped_settings() -> None:
    table = pd.read_csv(TABLE)
    assert tuple(table["seed"]) == SEEDS
    assert TABLE.with_suffix(".md").read_text() == page(table)
    assert "changed since" not in summary(table)


def test_other_settings_are_named() -> None:
    assert "changed since" in summary(pd.read_csv(TABLE).assign(settings="other"))


def test_an_interval_is_that_of_a_t_test() -> None:
    values = pd.Series([0.1, 0.2, 0.15, 0.3, 0.05])
    mean, low, high = with_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((0.16, expected.low, expected.high))


@pytest.mark.parametrize(
    ("chain", "says"),
    [([0.9, 0.91, 0.92], "a gain"), ([0.4, 0.9, 0.6], "no gain"), ([0.5, 0.51, 0.52], "a loss")],
)
def test_the_sentence_says_what_the_interval_does(chain: list[float], says: str) -> None:
    table = pd.DataFrame({row: [0.7, 0.7, 0.7] for row in ROWS} | {"chain": chain, "settings": ""})
    lines = summary(table).splitlines()
    assert lines[1].endswith(f"which shows {says}.")
    assert "minus from scratch" in lines[1]
    assert "minus floor" in lines[2]
