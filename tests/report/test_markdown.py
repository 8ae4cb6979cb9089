import re

from hypothesis import given
from hypothesis import strategies as st
from records import make_record, make_scores, make_stage

from matl.report.diagnosis_tables import diagnosis_table
from matl.report.markdown import escape, fenced, markdown_table
from matl.report.stage_tables import stage_table
from matl.report.table import TableCell, make_table


@given(st.text(max_size=30))
def test_escaped_text_stays_one_cell(text):
    cell = escape(text)
    assert not re.search(r"(?<!\\)(\\\\)*\|", cell)
    assert len(cell.splitlines()) <= 1
    assert re.sub(r"\\(.)", r"\1", cell) == " ".join(text.split())


def test_a_table_has_equal_rows():
    record = make_record(stages=[make_stage(data="a|b_c*d")])
    lines = markdown_table(stage_table(record)).splitlines()
    cells = [re.split(r"(?<!\\)\|", line) for line in lines]
    assert len({len(row) for row in cells}) == 1
    assert r"a\|b_c\*d" in lines[2]


def test_names_are_not_read_as_markup():
    record = make_record(diagnoses={"[red]a": make_scores(1)}, positive="[bold]x|y")
    assert r"\[red\]a" in markdown_table(diagnosis_table(record))


def test_an_interval_keeps_its_brackets_and_a_small_p_is_no_tag():
    rows = [("a", TableCell("0.5", 0.5, "[0.4, 0.6]"), TableCell("< 0.001", 0.0001))]
    text = markdown_table(make_table("t", "", ("Model", "AUROC", "p"), rows))
    assert text.splitlines()[2] == r"| a | 0.5 [0.4, 0.6] | \< 0.001 |"


def test_a_fence_is_longer_than_any_inside():
    assert fenced("a ``` b", "bash") == "````bash\na ``` b\n````"
