import re

from evidence import evidence

from matl.evaluation.metrics import Estimate
from matl.explain.cka import Alignment
from matl.explain.findings import measure
from matl.explain.texts import alignment_table, as_json, as_markdown, pointing_table, share_table


def test_the_tables_have_the_numbers_that_were_found():
    found = measure(evidence())
    shares = share_table(found.shares["chain"])
    assert len(shares.rows) == len(
        [one for one in found.shares["chain"] if (one.label == "all") == (one.outcome == "all")]
    )
    first = found.shares["chain"][0]
    assert shares.rows[0][7].order == first.share.value
    pointing = pointing_table(found.pointing)
    assert [row[0].text for row in pointing.rows] == ["chain", "chain"]
    assert re.fullmatch(r"[+-]0\.\d{3} \[[+-]0\.\d{3}, [+-]0\.\d{3}\]", str(pointing.rows[0][-1]))


def test_what_is_undefined_is_a_word():
    rows = alignment_table([Alignment("a", "b", 2, Estimate(None), None)]).rows
    assert [str(cell) for cell in rows[0]] == ["a - b", "2", "undefined", "undefined"]
    bare = alignment_table([Alignment("a", "b", 2, Estimate(0.5), 0.25)]).rows
    assert [str(cell) for cell in bare[0][2:]] == ["0.500 [none]", "0.250"]


def test_figures_that_were_not_drawn_are_not_named():
    made = evidence(networks=1)
    text = as_markdown(made, measure(made), [])
    assert "![" not in text
    assert "- *grad\\_cam*: where it looks" in text or "- *grad_cam*: where it looks" in text
    assert set(as_json(made, measure(made))["methods"]) == {"grad_cam", "attention_16"}
