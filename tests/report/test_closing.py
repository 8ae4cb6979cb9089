import re

import pytest
from records import make_record, make_scores

from matl.report.closing import NOTHING, closing_sentence


@pytest.mark.parametrize(
    ("chain", "scratch", "verdict"), [(5, 0.0, "a gain"), (0.0, 5, "a loss"), (1, 1, "no gain")]
)
def test_the_difference_says_what_it_shows(chain, scratch, verdict):
    diagnoses = {"chain": make_scores(chain), "from scratch": make_scores(scratch, seed=1)}
    record = make_record(diagnoses=diagnoses | {"floor": make_scores(0.1, seed=2)})
    sentence = closing_sentence(record)
    found = record.scored.paired("test")[0].auroc
    assert sentence == (
        f"AUROC of the chain minus from scratch on the test split: {found.value:+.3f} "
        f"{found.interval()}, which shows {verdict} with 20 patients and 1 seed."
    )
    low, high = map(float, re.findall(r"[-+]\d\.\d{3}", found.interval()))
    assert {"a gain": low > 0, "a loss": high < 0, "no gain": low < 0 < high}[verdict]


def test_what_scratch_begins_from_is_said():
    diagnoses = {"chain": make_scores(2), "from scratch": make_scores(1, seed=1)}
    note = "from scratch: begins from imagenet, without the stages before it"
    sentence = closing_sentence(make_record(diagnoses=diagnoses, notes=["other", note]))
    assert sentence.endswith(" From scratch: begins from imagenet, without the stages before it.")


def test_without_a_run_from_scratch_the_result_stands_beside_the_floor():
    diagnoses = {"chain": make_scores(2), "floor": make_scores(0.1, seed=1)}
    record = make_record(diagnoses=diagnoses, seeds=3)
    chain, floor = (one.metrics["auroc"] for one in record.scored.results("test"))
    assert closing_sentence(record) == (
        f"AUROC on the test split: chain {chain}; floor {floor}; 20 patients and 3 seeds."
    )


def test_one_class_has_an_accuracy():
    diagnoses = {"chain": make_scores(2, label=1), "from scratch": make_scores(1, label=1, seed=1)}
    assert closing_sentence(make_record(diagnoses=diagnoses)).startswith("Accuracy of the chain")
    alone = make_record(diagnoses={"from scratch": make_scores(2, label=1)})
    assert closing_sentence(alone).startswith("Accuracy on the test split: from scratch 0.")


def test_a_difference_without_an_interval_shows_nothing():
    diagnoses = {
        "chain": make_scores(2, images=4),
        "from scratch": make_scores(0, images=4, seed=3),
    }
    sentence = closing_sentence(make_record(diagnoses=diagnoses))
    assert "[none], which shows neither a gain nor a loss, for it has no interval, with" in sentence


def test_two_perfect_models_show_nothing():
    perfect = make_scores(0).assign(score=lambda table: table["label"])
    sentence = closing_sentence(make_record(diagnoses={"chain": perfect, "from scratch": perfect}))
    assert "split: +0.000 [none], which shows neither a gain nor a loss, for it has no" in sentence


def test_a_chain_without_a_diagnosis_says_so():
    assert closing_sentence(make_record(diagnoses={})) == NOTHING
