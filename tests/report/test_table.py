from matl.evaluation.metrics import Estimate
from matl.report.table import Column, TableCell, make_table, number


def test_values_become_cells_with_what_they_are_sorted_by():
    rows = [("Chain", Estimate(0.8, 0.7, 0.9), 1200, 0.25, None, TableCell("x", 3))]
    [row] = make_table("t", "", ("a", "b", "c", "d", "e", "f"), rows).rows
    assert [(one.text, one.order, one.note) for one in row] == [
        ("Chain", "chain", ""),
        ("0.800", 0.8, "[0.70, 0.90]"),
        ("1,200", 1200.0, ""),
        ("0.250", 0.25, ""),
        ("", None, ""),
        ("x", 3, ""),
    ]
    assert [str(one) for one in row[:2]] == ["Chain", "0.800 [0.70, 0.90]"]


def test_a_column_without_text_is_numeric_and_keeps_its_priority():
    rows = [("a", 1, None), ("b", None, "x")]
    table = make_table("t", "", ("name", Column("n", 2), "note"), rows)
    assert table.columns == [Column("name"), Column("n", 2, True), Column("note")]


def test_an_undefined_estimate_is_last_and_a_bare_one_has_no_interval():
    [row] = make_table("t", "", ("a", "b"), [(Estimate(None), Estimate(0.5))]).rows
    assert [(str(one), one.order) for one in row] == [("undefined", None), ("0.500 [none]", 0.5)]


def test_a_number_has_a_format_of_its_own():
    assert number(2345.6, ",.0f") == TableCell("2,346", 2345.6)
    assert number(None, ".1f") is None
