"""Metrics of three classes and more, against scikit-learn and against repeated rows."""

import warnings

import numpy as np
import pytest
from class_scores import CLASSES, draw_scores, make_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from matl.evaluation.class_metrics import (
    check_class_scores,
    class_values,
    summarise_classes,
)


def reference_values(labels, scores):
    """Scikit-learn's values; None where this project calls the metric undefined."""
    labels, called = np.asarray(labels), scores.argmax(1)
    every = len(set(labels)) == len(CLASSES)
    values = {"accuracy": reference.accuracy_score(labels, called)}
    kappa = reference.cohen_kappa_score(labels, called, weights="quadratic", labels=[0, 1, 2])
    values["quadratic_kappa"] = None if np.isnan(kappa) else kappa
    values["auroc"] = values["balanced_accuracy"] = None
    if every:
        values["auroc"] = reference.roc_auc_score(
            labels, scores, multi_class="ovr", average="macro", labels=[0, 1, 2]
        )
        values["balanced_accuracy"] = reference.balanced_accuracy_score(labels, called)
    return values


shares = st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.3, 0.2), (0.2, 0.2, 0.6)])
images = st.lists(st.tuples(st.integers(0, 2), shares), min_size=1, max_size=14)


@settings(deadline=None)
@given(images)
def test_values_are_scikit_learns(rows):
    labels, scores = zip(*rows, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of a kappa that is undefined
        expected = reference_values(labels, np.array(scores, dtype=float))
    metrics, _ = summarise_classes(make_scores(labels, scores), CLASSES, True, resamples=0)
    assert {name: one.value for name, one in metrics.items()} == pytest.approx(expected)


@settings(deadline=None)
@given(images)
def test_a_class_is_measured_against_the_rest_as_by_scikit_learn(rows):
    labels, scores = map(np.array, zip(*rows, strict=True))
    _, parts = summarise_classes(make_scores(labels, scores), CLASSES, False, resamples=0)
    for number, part in enumerate(parts):
        own, called = labels == number, scores.argmax(1) == number
        assert part.images == own.sum()
        values = {name: one.value for name, one in part.metrics.items()}
        expected = {"sensitivity": None, "specificity": None, "auroc": None}
        if own.any():
            expected["sensitivity"] = reference.recall_score(own, called)
        if not own.all():
            expected["specificity"] = reference.recall_score(own, called, pos_label=False)
        if own.any() and not own.all():
            expected["auroc"] = reference.roc_auc_score(own, scores[:, number])
        assert values == pytest.approx(expected)


@settings(deadline=None)
@given(images, st.data())
def test_counted_patients_are_repeated_rows(rows, data):
    labels, scores = (np.array(one) for one in zip(*rows, strict=True))
    patients = np.arange(len(labels)) // 2
    number = int(patients.max()) + 1
    counts = data.draw(st.lists(st.integers(0, 3), min_size=number, max_size=number))
    repeated = np.repeat(np.arange(len(labels)), np.array(counts)[patients])
    if not len(repeated):
        return
    weighted = class_values(labels, scores, patients, np.array([counts], dtype=float))
    direct = class_values(
        labels[repeated], scores[repeated], patients[repeated], np.ones((1, number))
    )
    for name, values in weighted.items():
        np.testing.assert_allclose(values, direct[name], err_msg=str(name))


def test_intervals_hold_the_value_and_narrow_with_patients():
    widths = []
    for patients in (30, 300):
        metrics, parts = summarise_classes(draw_scores(patients, 2, 1.5), CLASSES, True)
        found = [*metrics.values(), *(one for part in parts for one in part.metrics.values())]
        assert all(one.low <= one.value <= one.high for one in found)
        widths.append(np.array([one.high - one.low for one in found]))
    assert (widths[1] < widths[0]).all()


def test_a_class_of_one_patient_has_no_interval():
    labels = [0, 0, 1, 1, 2, 2]
    scores = np.tile(np.eye(3), (2, 1))
    patients = [0, 1, 2, 3, 4, 4]
    metrics, parts = summarise_classes(make_scores(labels, scores, patients), CLASSES, False)
    assert metrics["auroc"].low is None
    assert metrics["accuracy"].low is not None
    assert [part.patients for part in parts] == [2, 2, 1]
    assert [part.metrics["sensitivity"].low is None for part in parts][2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class": "flu"}, "'flu' is none of mild, severe, well"),
        ({"score_well": 2.0}, "no probability"),
        ({"score_well": 0.9}, "do not add up to 1"),
        ({"image": "/scan.png"}, "relative"),
    ],
)
def test_wrong_scores_are_refused(changes, message):
    table = make_scores([0, 1], [(1, 0, 0), (0, 1, 0)]).assign(**changes)
    with pytest.raises(ValueError, match=message):
        check_class_scores(table.iloc[:1], CLASSES)


def test_a_missing_class_is_refused():
    table = make_scores([0], [(1, 0, 0)]).drop(columns="score_well")
    with pytest.raises(ValueError, match="lack the columns score_well"):
        check_class_scores(table, CLASSES)
