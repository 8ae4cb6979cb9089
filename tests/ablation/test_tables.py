"""The tables of an ablation say what the record holds."""

from dataclasses import replace

import pandas as pd
import pytest
from ablation_records import drawn_record
from shown import render, words

from matl.ablation.tables import (
    cell_states,
    cell_table,
    comparison_table,
    cost_table,
    gate_table,
    mean_table,
    method_table,
    promise_table,
    verdict_table,
)
from matl.ablation.tables import tested_table as table_of_tested


@pytest.fixture(scope="module")
def record():
    return drawn_record()


def test_the_verdict_stands_beside_its_difference_and_margin(record) -> None:
    table = verdict_table(record)
    [row] = table.rows
    primary = record.primary
    assert [str(cell) for cell in row] == [
        "attention - plain, full minus from scratch",
        "folds",
        record.verdict,
        primary.plain.text(),
        f"{record.margin:.3f}",
        "3 of 3",
    ]
    assert verdict_table(replace(record, comparisons=[], verdict=None)) is None
    at_80 = render(table, 80)
    assert record.verdict in at_80
    assert primary.plain.text() in at_80


def test_the_primary_comparison_comes_first_and_stands_out(record) -> None:
    table = comparison_table(record)
    assert table.first == 1
    assert [str(row[-1]) for row in table.rows].count("primary") == 1
    assert str(table.rows[0][-1]) == "primary"
    assert str(table.rows[0][0]) == "attention − plain"
    assert {str(row[2]) for row in table.rows} == {"from scratch", "xray"}
    assert len(table.rows) == len(record.comparisons)
    assert comparison_table(replace(record, comparisons=[])) is None


def test_promises_stand_beside_the_gains_of_the_comparisons(record) -> None:
    table = promise_table(record)
    assert len(table.rows) == len(record.arms) * len(record.regimes)
    gains = {
        (one.arms[0], one.regime): one.plain.value
        for one in record.comparisons
        if (one.split, one.over, len(one.arms)) == ("folds", "scratch", 1)
    }
    for row in table.rows:
        arm, regime, gain = str(row[0]), str(row[1]), row[7]
        expected = gains.get((arm, regime))
        assert (regime == "from scratch") == (expected is None)
        assert gain.order == expected
    assert "over 36 cells, which share stages and patients: LogME +0.62." in table.caption
    assert "Spearman" not in promise_table(replace(record, ranks=[])).caption
    assert promise_table(replace(record, promises=[])) is None


def test_adjusted_p_beside_intervals_that_are_not_are_said_to_be_so(record) -> None:
    caption = comparison_table(record).caption
    assert "p of exploratory comparisons are adjusted for their number by Holm's method" in caption
    assert "the intervals beside them are not" in caption
    alone = replace(record, comparisons=[record.primary])
    assert "Holm" not in comparison_table(alone).caption


def test_at_80_columns_a_comparison_keeps_its_names_and_its_interval(record) -> None:
    text = render(comparison_table(record), 80)
    assert record.primary.plain.text() in text
    assert "Not shown at this width" in words(text)
    assert max(map(len, text.splitlines())) <= 80


def test_means_stand_beside_the_floor_and_name_the_run_from_scratch(record) -> None:
    table = mean_table(record)
    assert len(table.rows) == len(record.means)
    assert {str(row[1]) for row in table.rows} == {"from scratch", "xray", "full"}
    assert all(row[5].order is not None for row in table.rows)
    assert mean_table(replace(record, means=[])) is None


def test_what_is_tested_is_counted(record) -> None:
    rows = [[str(cell) for cell in row] for row in table_of_tested(record).rows]
    assert rows[0] == ["folds", "3 folds by patient, dealt 2 times", "72", "36", "36", "ill"]
    assert rows[1][1] == "the data set's own split"
    clean = replace(record.tested[1], split="official, without leaking images")
    assert "eaking" not in table_of_tested(record).caption
    caption = table_of_tested(replace(record, tested=[*record.tested, clean])).caption
    assert "Without leaking images: without persons in another split" in caption


def test_a_verdict_with_images_that_leak_says_how_many(record) -> None:
    whole = record.tested[1]
    clean = replace(whole, split="official, without leaking images", images=66, patients=35)
    leaking = replace(record, split="official", tested=[*record.tested, clean])
    caption = verdict_table(leaking).caption
    assert "6 of its 72 test images are of 1 person in another split, too, or with an" in caption
    assert caption.endswith("the comparisons without leaking images are exploratory.")
    assert "eaking" not in verdict_table(record).caption
    assert "eaking" not in verdict_table(replace(leaking, split="folds")).caption


def test_costs_with_and_without_sharing(record) -> None:
    table = cost_table(record.costs)
    assert [str(cell) for cell in table.rows[0]] == [
        *("xray", "2", "2", "8", "1 min 0 s", "4 min 0 s")
    ]
    assert "All finished stages: 1 min 0 s" in table.caption


def test_gates_have_their_range(record) -> None:
    table = gate_table(record.gates)
    assert str(table.rows[0][-1]) == "0.200 0.100 to 0.300"
    assert gate_table([]) is None


def test_cells_show_their_state_and_no_path(record) -> None:
    cells = pd.DataFrame(
        {"arm": "plain", "regime": "scratch", "split": "folds", "seed": 0, "fraction": 0.05,
         "repeat": 0, "fold": 1, "fingerprint": "f" * 32, "auroc": [0.75, None],
         "state": ["finished", "failed: /home/jane/a.png: broken"]}
    )  # fmt: skip
    table = cell_table(record, cells)
    assert [str(row[1]) for row in table.rows] == ["from scratch"] * 2
    assert [str(row[5]) for row in table.rows] == ["5.0%"] * 2
    assert str(table.rows[1][7]) == "failed: …/a.png: broken"
    assert [str(row[8]) for row in table.rows] == ["0.750", ""]
    assert cell_states(cells) == {"finished": 1, "failed": 1}


def test_methods_stand_beside_what_they_cost(record) -> None:
    table = method_table(record.methods)
    [row] = table.rows
    assert [str(cell) for cell in row] == [
        *("attention", "full", "lung", "moco", "1 + 1", "41.3", "2,226", "2 min 26 s", "3")
    ]
    assert method_table([]) is None
