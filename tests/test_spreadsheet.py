"""A spreadsheet runs no cell, and what is read back is what was written."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matl.spreadsheet import csv_bytes, read_csv

TEXT = st.text(st.sampled_from("'=+-@\t＝a1 "), max_size=4)


def test_a_formula_is_marked_as_text() -> None:
    table = pd.DataFrame({"arm": ["=1+1", "@x", "-2", "plain"], "value": [-1.5, 0, 1, 2]})
    lines = csv_bytes(table).decode().splitlines()
    assert lines == ["arm,value", "'=1+1,-1.5", "'@x,0.0", "'-2,1.0", "plain,2.0"]


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_every_text_is_read_back(texts: list[str]) -> None:
    written = csv_bytes(pd.DataFrame({"image": texts, "score": 0.5}))
    assert read_csv(written, dtype={"image": str})["image"].to_list() == texts
    cells = [line.strip('"') for line in written.decode().splitlines()[1:]]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t＝"))]


@pytest.mark.parametrize("text", ["a\rb", "\r=1", "a\r\n=1"])
def test_a_carriage_return_ends_no_row(text: str) -> None:
    table = pd.DataFrame({"image": [text, "b"], "score": [0.5, 1.0]})
    pd.testing.assert_frame_equal(read_csv(csv_bytes(table)), table)
