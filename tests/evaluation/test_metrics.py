import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import t
from sklearn import metrics as reference

from matl.evaluation.metrics import (
    METRICS,
    Estimate,
    check_scores,
    metric_values,
    patient_codes,
    summarise,
)


def make_scores(labels, scores, patients=None, split="test"):
    patients = range(len(labels)) if patients is None else patients
    return pd.DataFrame(
        {
            "image": [f"ct/{number}.png" for number in range(len(labels))],
            "patient": [f"p{patient}" for patient in patients],
            "source": "covid_ct",
            "split": split,
            "label": np.asarray(labels, dtype=np.int64),
            "score": np.asarray(scores, dtype=np.float64),
        }
    )


def draw_scores(patients, images_each, spread, seed=0):
    """Scores whose error is `spread` of the patient's, the rest the image's own."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images_each)
    label = (np.arange(patients) % 2)[patient]
    shared = generator.normal(size=patients)[patient]
    own = generator.normal(size=len(patient))
    shown = label - 0.5 + spread * shared + (1 - spread) * own
    return make_scores(label, 1 / (1 + np.exp(-shown)), patient)


def reference_values(labels, scores):
    """Scikit-learn's values; None where this project calls the metric undefined."""
    called = (np.asarray(scores) >= 0.5).astype(int)
    values = dict.fromkeys(METRICS)
    values["accuracy"] = reference.accuracy_score(labels, called)
    values["brier"] = np.mean((np.asarray(scores) - labels) ** 2)
    if 1 in labels:
        values["sensitivity"] = reference.recall_score(labels, called)
        values["f1"] = reference.f1_score(labels, called)
    if 0 in labels:
        values["specificity"] = reference.recall_score(labels, called, pos_label=0)
    if 0 in labels and 1 in labels:
        values["auroc"] = reference.roc_auc_score(labels, scores)
        values["average_precision"] = reference.average_precision_score(labels, scores)
        values["balanced_accuracy"] = reference.balanced_accuracy_score(labels, called)
    return values


images = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0, 0.1, 0.3, 0.5, 0.50001, 0.9, 1])),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(images)
def test_values_are_scikit_learns(rows):
    labels, scores = zip(*rows, strict=True)
    summary = summarise(make_scores(labels, scores), resamples=0)
    assert {name: one.value for name, one in summary.items()} == pytest.approx(
        reference_values(labels, scores)
    )


@settings(deadline=None)
@given(images, st.data())
def test_counted_patients_are_repeated_rows(rows, data):
    labels, scores = map(np.array, zip(*rows, strict=True))
    patients = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    table = make_scores(labels, scores, patients)
    codes = patient_codes(table)
    number = int(codes.max()) + 1
    counts = data.draw(st.lists(st.integers(0, 3), min_size=number, max_size=number))
    repeated = np.repeat(np.arange(len(rows)), np.array(counts)[codes])
    if not len(repeated):
        return
    values = metric_values(labels, scores, codes, np.array([counts], dtype=float))
    expected = reference_values(labels[repeated], scores[repeated])
    for name, value in values.items():
        wanted = np.nan if expected[name] is None else expected[name]
        assert value[0] == pytest.approx(wanted, nan_ok=True), name


def test_the_error_is_that_of_resampled_patients():
    table = draw_scores(patients=12, images_each=3, spread=2)
    generator = np.random.default_rng(5)
    label, score = (table[name].to_numpy().reshape(12, 3) for name in ("label", "score"))
    auroc, f1 = [], []
    for drawn in generator.integers(0, 12, (2000, 12)):
        labels, scores = label[drawn].ravel(), score[drawn].ravel()
        if len(set(labels)) == 2:
            auroc.append(reference.roc_auc_score(labels, scores))
            f1.append(reference.f1_score(labels, scores >= 0.5))
    summary = summarise(table, resamples=4000)
    for name, drawn in (("auroc", auroc), ("f1", f1)):
        value, low, high = (getattr(summary[name], end) for end in ("value", "low", "high"))
        assert logit(value) - logit(low) == pytest.approx(logit(high) - logit(value))
        error = (logit(high) - logit(low)) / 2 / t.ppf(0.975, 5) * value * (1 - value)
        assert error == pytest.approx(np.std(drawn), rel=0.1)


def test_own_patient_each_is_the_ordinary_bootstrap():
    table = draw_scores(patients=60, images_each=1, spread=0)
    generator = np.random.default_rng(1)
    label, score = table["label"].to_numpy(), table["score"].to_numpy()
    right = (score >= 0.5) == label
    means = right[generator.integers(0, 60, (20000, 60))].mean(1)
    accuracy = summarise(table, resamples=20000)["accuracy"]
    expected = np.quantile(means, [0.025, 0.975])
    assert [accuracy.low, accuracy.high] == pytest.approx(expected, abs=1.5 / 60)


def test_patients_with_alike_images_widen_the_interval():
    table = draw_scores(patients=20, images_each=10, spread=1)
    by_patient = summarise(table)
    by_image = summarise(table.assign(patient=table["image"]))
    for name in METRICS:
        assert by_patient[name].value == pytest.approx(by_image[name].value)
        width = by_patient[name].high - by_patient[name].low
        assert width > 2 * (by_image[name].high - by_image[name].low), name


def test_patients_of_two_sources_with_one_name_are_two():
    table = draw_scores(patients=4, images_each=2, spread=0)
    table["patient"] = "1"
    table["source"] = ["a", "b"] * 4
    assert patient_codes(table).tolist() == [0, 1] * 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_intervals_lie_in_range_whatever_the_order_of_rows(seed):
    table = draw_scores(patients=9, images_each=2, spread=0.5, seed=seed)
    shuffled = table.sample(frac=1, random_state=seed % 1000)
    first, second = summarise(table, resamples=200), summarise(shuffled, resamples=200)
    for name, one in first.items():
        other = second[name]
        assert one.value == pytest.approx(other.value)
        assert (one.low is None) == (other.low is None)
        if one.low is not None:
            assert 0 <= one.low <= one.high <= 1
            assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_resamples_that_are_all_alike_give_no_interval():
    """A perfect model on eight patients is not known to be perfect on others."""
    table = draw_scores(patients=8, images_each=2, spread=0)
    table["score"] = table["label"] * 0.8 + 0.1
    found = summarise(table)
    assert (found["auroc"].value, found["auroc"].low) == (1, None)
    assert str(found["accuracy"]) == "1.000 [none]"


def test_draws_follow_the_seed():
    table = draw_scores(patients=30, images_each=2, spread=0.5)
    assert summarise(table, seed=3) == summarise(table, seed=3)
    assert summarise(table, seed=3) != summarise(table, seed=4)


def test_many_images_are_computed_in_chunks_with_the_same_result(monkeypatch):
    table = draw_scores(patients=30, images_each=2, spread=0.5)
    whole = summarise(table, resamples=100)
    monkeypatch.setattr("matl.evaluation.metrics._CELLS", 7 * len(table))
    chunked = summarise(table, resamples=100)
    for name in METRICS:
        assert chunked[name].low == pytest.approx(whole[name].low)


@pytest.mark.parametrize(
    ("label", "defined"),
    [(0, {"accuracy", "specificity", "brier"}), (1, {"accuracy", "sensitivity", "f1", "brier"})],
)
def test_one_class_leaves_metrics_undefined(label, defined):
    summary = summarise(make_scores([label] * 6, [0.2, 0.4, 0.6, 0.8, 0.9, 0.1]))
    assert {name for name, one in summary.items() if one.value is not None} == defined
    for name in set(METRICS) - defined:
        assert summary[name] == Estimate(None, None, None)
        assert str(summary[name]) == "undefined"


def test_one_patient_of_a_class_has_no_interval():
    table = make_scores([1, 1, 0, 0, 0], [0.9, 0.4, 0.2, 0.6, 0.1], patients=[0, 0, 1, 2, 3])
    summary = summarise(table)
    for name in ("auroc", "sensitivity", "f1"):
        assert summary[name].value is not None
        assert summary[name].low is summary[name].high is None
    assert str(summary["sensitivity"]) == "0.500 [none]"
    assert summary["specificity"].low is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": [0.2, np.nan]}, "1 of 2 scores are no probability"),
        ({"score": [0.2, 1.5]}, "1.5 of ct/1.png"),
        ({"label": [0, -1]}, "0 or 1"),
        ({"image": "a.png"}, "a.png twice"),
        ({"image": ["/data/a.png", "b.png"]}, "relative"),
        ({"split": ["val", "test"]}, "one split"),
    ],
)
def test_invalid_scores_are_refused(change, message):
    table = make_scores([0, 1], [0.2, 0.7]).assign(**change)
    with pytest.raises(ValueError, match=message):
        summarise(table)


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="patient, score"):
        check_scores(make_scores([0], [0.2]).drop(columns=["patient", "score"]))


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        summarise(make_scores([], []))


def test_estimate_is_printed_with_its_interval():
    assert str(Estimate(0.8124, 0.749, 0.8666)) == "0.812 [0.75, 0.87]"
