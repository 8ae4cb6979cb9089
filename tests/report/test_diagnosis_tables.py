import re

import pytest
from records import make_record, make_scores
from shown import render, words

from matl.evaluation.metrics import METRICS
from matl.report.diagnosis_tables import (
    calibration_table,
    confusion_table,
    diagnosis_table,
    external_table,
    split_tables,
)
from matl.report.markdown import markdown_table

WIDE = 180


def test_rows_keep_their_order_and_a_loss_is_printed_like_a_gain():
    better = {"chain": make_scores(0.2), "from scratch": make_scores(1.5, seed=1)}
    table = diagnosis_table(make_record(diagnoses=better), "test")
    lines = markdown_table(table).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| chain", "| from scratch"]
    assert all(re.fullmatch(r"\| [\w ]+( \| \d\.\d{3} \[\d\.\d\d, \d\.\d\d\]){8} \|", line)
               for line in lines[2:])  # fmt: skip


def test_undefined_metrics_are_words_not_numbers():
    record = make_record(diagnoses={"chain": make_scores(1, label=1)})
    text = render(diagnosis_table(record), WIDE)
    assert text.count("undefined") == 4 + 1
    assert "undefined: the images are of one class" in words(text)
    assert "undefined" in markdown_table(diagnosis_table(record))


def test_val_is_shown_where_nothing_was_tested():
    record = make_record(diagnoses={"chain": make_scores(1, splits=("train", "val"))})
    assert record.scored.splits() == ["val"]
    assert "val split" in render(diagnosis_table(record))
    with pytest.raises(ValueError, match="test split"):
        diagnosis_table(record, "test")


def test_a_split_has_the_tables_that_say_more():
    titles = [table.title for table in split_tables(make_record(), "test")]
    assert titles == [
        "Diagnosis, test split, positive = CT_COVID",
        "Differences, test split",
        "Each patient once, test split",
    ]


def test_confusion_counts_what_is_right_and_wrong():
    record = make_record()
    table = confusion_table(record.scored, "test")
    assert [column.title for column in table.columns[1:5]] == [
        *("true positives", "false negatives", "false positives", "true negatives")
    ]
    for row, result in zip(table.rows, record.scored.results("test"), strict=True):
        counts = [int(cell.text) for cell in row[1:5]]
        assert sum(counts) == result.images
        assert str(row[5]) == str(result.metrics["sensitivity"])
        assert counts[0] / (counts[0] + counts[1]) == result.metrics["sensitivity"].value


def test_calibration_is_of_what_was_scored_on_val_and_test():
    table = calibration_table(make_record().scored)
    assert [row[0].text for row in table.rows] == ["chain", "from scratch"]
    alone = make_record(diagnoses={"chain": make_scores(1, splits=("test",))})
    assert calibration_table(alone.scored) is None


def test_external_data_sets_stand_below_the_own_test_split():
    other = make_record(experiment="covid_ct on other", split_note="every image")
    assert external_table(make_record(), []) is None
    table = external_table(make_record(), [other])
    assert [row[0].text for row in table.rows] == ["own test split"] * 2 + ["covid_ct on other"] * 2
    assert "covid_ct on other: every image." in table.caption
    assert METRICS["auroc"] in [column.title for column in table.columns]
