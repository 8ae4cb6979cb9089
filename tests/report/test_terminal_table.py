import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import make_record, make_scores
from shown import render, words

from matl.evaluation.metrics import METRICS
from matl.report.diagnosis_tables import diagnosis_table
from matl.report.table import Column, make_table
from matl.report.terminal_table import TerminalTable, kept_columns


def test_at_80_columns_the_rows_keep_their_names_and_the_main_metric_its_interval():
    record = make_record()
    text = render(diagnosis_table(record), width=80)
    for result in record.scored.results("test"):
        assert re.search(rf"^{result.model} +{re.escape(str(result.metrics['auroc']))}", text, re.M)
    assert "Not shown at this width:" in words(text)
    assert "Brier" in words(text).split("Not shown at this width:")[1]
    assert max(map(len, text.splitlines())) <= 80


def test_a_wide_terminal_shows_every_estimate_whole():
    record = make_record()
    text = render(diagnosis_table(record), width=180)
    for result in record.scored.results("test"):
        for name, label in METRICS.items():
            assert label in text
            assert str(result.metrics[name]) in text
    assert "Not shown" not in text


@pytest.mark.parametrize("width", range(20, 200, 7))
def test_no_estimate_is_shown_in_part(width):
    text = render(diagnosis_table(make_record()), width=width)
    rows = [line for line in text.splitlines() if re.match(r"chain +\d", line)]
    for row in rows:
        assert re.fullmatch(r"chain( +\d\.\d{3} \[\d\.\d\d, \d\.\d\d\])+ *", row)
    assert "chain" in text


def test_of_equal_columns_the_last_goes_first_and_the_first_never():
    columns = ("name", Column("low", -1), Column("high", 1), "first", "last")
    table = make_table("t", "", columns, [("row", *["x" * 10] * 4)])
    names = [[table.columns[at].title for at in kept_columns(table, width)] for width in (60, 45,
             33, 20, 3)]  # fmt: skip
    assert names == [
        ["name", "low", "high", "first", "last"],
        ["name", "high", "first", "last"],
        ["name", "high", "first"],
        ["name", "high"],
        ["name"],
    ]


def test_names_are_not_read_as_markup():
    record = make_record(diagnoses={"[red]a": make_scores(1)}, positive="[bold]x|y")
    assert "[red]a" in render(diagnosis_table(record))
    assert "[bold]x|y" in render(diagnosis_table(record))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60),
                  st.floats(0, 1e9), st.integers(0, 10**12)),
        min_size=1, max_size=3,
    ),
    st.integers(30, 120),
)  # fmt: skip
def test_a_number_is_whole_or_its_column_is_named(rows, width):
    table = make_table("t", "", ("name", "share", "count"), rows)
    text = render(table, width)
    for at, column in enumerate(table.columns[1:], 1):
        for row in table.rows:
            whole = re.search(rf"(?<!\S){re.escape(row[at].text)}(?!\S)", text)
            assert whole or column.title in text.split("Not shown at this width")[1]


def test_rows_that_stand_out_and_the_caption_are_shown():
    table = make_table("title", "caption", ("a", "b"), [("x", 1), ("y", 2)], first=1)
    assert render(TerminalTable(table).table).split() == [
        *("title", "a", "b", "────", "x", "1", "y", "2", "caption")
    ]
