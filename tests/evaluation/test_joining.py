"""The scores of a study's or a patient's images as one."""

from math import prod

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matl.evaluation.joining import by_unit, class_by_unit, count_mixed, count_units, join_scores

JOINS = ("mean", "max", "noisy_or", "top_2")
scores_of = some.lists(some.floats(0, 1), min_size=1, max_size=9)


def table_of(scores: list[float], **columns: object) -> pd.DataFrame:
    """Images of one patient and study."""
    known = {"patient": "a", "study": "s", "source": "north", "split": "test", "label": 1}
    images = [f"{number}.png" for number in range(len(scores))]
    return pd.DataFrame({"image": images, "score": scores}).assign(**{**known, **columns})


def joined(scores: list[float], join: str) -> float:
    return float(by_unit(table_of(scores), "study", join)["score"].iloc[0])


def make_scores() -> pd.DataFrame:
    """Seven images of four patients; two sources share a patient's name."""
    return table_of(
        [0.9, 0.3, 0.4, 0.1, 0.2, 0.6, 0.5],
        patient=["a", "a", "b", "c", "a", "a", "a"],
        study=["1", "2", "1", "", "1", "1", ""],
        source=["north", "north", "north", "north", "south", "south", "south"],
        label=[1, 1, 0, 0, 0, 1, 0],
    )


@given(scores_of)
def test_each_rule_is_its_closed_form(scores: list[float]) -> None:
    wanted = {
        "mean": sum(scores) / len(scores),
        "max": max(scores),
        "noisy_or": 1 - prod(1 - one for one in scores),
        "top_2": np.mean(sorted(scores)[-2:]),
    }
    for join, value in wanted.items():
        assert joined(scores, join) == pytest.approx(value, abs=1e-12)


@given(scores_of)
def test_a_joined_score_is_a_probability_and_the_rules_are_in_order(scores: list[float]) -> None:
    mean, top, highest, noisy = (
        joined(scores, one) for one in ("mean", "top_2", "max", "noisy_or")
    )
    ordered = np.array([0, mean, top, highest, noisy, 1])
    assert (np.diff(ordered) >= -1e-12).all()


@given(scores_of, some.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(scores: list[float], random) -> None:
    turned = list(scores)
    random.shuffle(turned)
    for join in JOINS:
        assert joined(turned, join) == pytest.approx(joined(scores, join), abs=1e-12)


@given(scores_of, some.integers(0, 8), some.floats(0, 1))
def test_a_higher_slice_never_lowers_its_study(scores: list[float], at: int, up: float) -> None:
    at %= len(scores)
    raised = [max(one, up) if place == at else one for place, one in enumerate(scores)]
    for join in JOINS:
        assert joined(raised, join) >= joined(scores, join) - 1e-12


@given(some.floats(0, 1))
def test_a_study_of_one_image_has_its_score(score: float) -> None:
    for join in JOINS:
        assert joined([score], join) == pytest.approx(score, abs=1e-15)


def test_a_count_beyond_the_images_is_their_mean() -> None:
    assert joined([0.2, 0.6], "top_50") == pytest.approx(0.4)
    assert joined([0.2, 0.6], "top_1") == 0.6


@pytest.mark.parametrize("join", ["", "median", "top", "top_", "top_0", "top_-1", "top_2.5"])
def test_other_rules_are_refused(join: str) -> None:
    with pytest.raises(ValueError, match="joins no scores; write mean, max, noisy_or, or top_3"):
        join_scores(table_of([0.5]), ["study"], "score", join)


def test_a_patient_counts_once_and_is_positive_where_any_image_is() -> None:
    table = by_unit(make_scores(), "patient")
    assert table[["source", "patient", "image"]].to_numpy().tolist() == [
        ["north", "a", "0.png"],
        ["north", "b", "2.png"],
        ["north", "c", "3.png"],
        ["south", "a", "4.png"],
    ]
    assert table["score"].to_numpy() == pytest.approx([0.6, 0.4, 0.1, 1.3 / 3])
    assert table["label"].tolist() == [1, 0, 0, 1]


def test_a_study_is_of_one_patient_and_an_image_without_one_is_its_own() -> None:
    table = by_unit(make_scores(), "study", "max")
    assert table[["source", "patient", "study", "score", "label"]].to_numpy().tolist() == [
        ["north", "a", "1", 0.9, 1],
        ["north", "a", "2", 0.3, 1],
        ["north", "b", "1", 0.4, 0],
        ["north", "c", "3.png", 0.1, 0],
        ["south", "a", "1", 0.6, 1],
        ["south", "a", "6.png", 0.5, 0],
    ]
    counts = [count_units(make_scores(), unit) for unit in ("image", "study", "patient")]
    assert counts == [7, 6, 4]


def test_studies_of_several_labels_are_counted() -> None:
    assert count_mixed(make_scores(), "study", "label") == 1
    assert count_mixed(make_scores(), "patient", "label") == 1
    assert count_mixed(make_scores()[:4], "patient", "label") == 0


def test_scores_without_studies_have_one_for_each_image() -> None:
    scores = make_scores().drop(columns="study")
    assert count_units(scores, "study") == len(scores)
    assert by_unit(scores, "study")["score"].tolist() == scores["score"].tolist()


def test_a_study_of_several_classes_is_left_out() -> None:
    table = make_scores().assign(kind=["x", "x", "y", "y", "x", "y", "z"])
    studies = class_by_unit(table, "study", "kind", ["score"])
    assert studies[["source", "study", "kind"]].to_numpy().tolist() == [
        ["north", "1", "x"],
        ["north", "2", "x"],
        ["north", "1", "y"],
        ["north", "3.png", "y"],
        ["south", "6.png", "z"],
    ]
