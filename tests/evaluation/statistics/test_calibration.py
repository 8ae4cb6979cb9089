"""Calibration against closed forms, scikit-learn and torchmetrics."""

from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torchmetrics.classification import BinaryCalibrationError

from matl.evaluation.statistics.calibration import (
    apply_temperature,
    calibration_error,
    error_by_chance,
    fit_temperature,
    recalibrated,
    reliability,
)

PATIENTS = 80


def draw(
    seed: int = 0, images: int = 20_000, temperature: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores that are calibrated at the temperature."""
    random = np.random.default_rng(seed)
    logits = 1.5 * random.normal(size=images)
    return (random.random(images) < expit(logits)).astype(int), expit(temperature * logits)


def draw_patients(
    random: np.random.Generator, temperature: float = 1.0, together: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and patients, whose images nearly agree in score, and in label or not."""
    patients = np.repeat(np.arange(PATIENTS), random.integers(1, 6, PATIENTS))
    logits = 1.5 * random.normal(size=PATIENTS)[patients] + 0.3 * random.normal(size=len(patients))
    label = draw_labels(random, expit(logits), patients, together)
    return label, expit(temperature * logits), patients


def draw_labels(
    random: np.random.Generator, score: np.ndarray, patients: np.ndarray, together: bool
) -> np.ndarray:
    """Labels that the scores are right for: drawn once a patient, or for each image."""
    drawn = random.random(PATIENTS)[patients] if together else random.random(len(score))
    return (drawn < score).astype(int)


@pytest.mark.parametrize("score", [0.5, 0.5 + 1e-9, 0.3, 0.4999999701976776, 1e-12, 1.0, 0.0])
def test_scores_that_are_all_alike_have_no_temperature(score: float) -> None:
    label = np.tile([0, 1], 5)
    for labels in (label, np.append(label, 1), np.append(label, 0)):
        with suppress(ValueError):
            assert 0 < fit_temperature(labels, np.full(len(labels), score)) < 1e8
    with pytest.raises(ValueError, match="no temperature fits"):
        fit_temperature(label, np.full(len(label), score))


def test_reliability_by_hand() -> None:
    label = np.array([0, 1, 1, 0, 1, 1])
    score = np.array([0.1, 0.3, 0.5, 0.6, 0.9, 1.0])
    found = reliability(label, score, bins=2)
    assert list(found.columns) == ["predicted", "observed", "images"]
    assert found.to_numpy() == pytest.approx(np.array([[0.2, 0.5, 2], [0.75, 0.75, 4]]))
    assert calibration_error(label, score, bins=2) == pytest.approx(0.1)


def test_an_edge_belongs_to_the_bin_above_and_empty_bins_are_left_out() -> None:
    score = np.arange(11) / 10
    assert reliability(np.zeros(11, dtype=int), score)["images"].tolist() == [*[1] * 9, 2]
    assert len(reliability(np.array([0, 1]), np.array([0.31, 0.72]))) == 2


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_reliability_is_scikit_learns(bins: int) -> None:
    label, score = draw(images=300, temperature=2)
    observed, predicted = calibration_curve(label, score, n_bins=bins)
    found = reliability(label, score, bins)
    assert found["observed"].to_numpy() == pytest.approx(observed)
    assert found["predicted"].to_numpy() == pytest.approx(predicted)


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_calibration_error_is_torchmetrics(bins: int) -> None:
    label, score = draw(images=300, temperature=2)
    reference = BinaryCalibrationError(n_bins=bins, norm="l1")
    expected = reference(torch.from_numpy(score), torch.from_numpy(label))
    assert calibration_error(label, score, bins) == pytest.approx(float(expected), abs=1e-6)


def test_the_chance_error_is_that_of_calibrated_scores() -> None:
    random = np.random.default_rng(0)
    drawn = [draw_patients(random) for _ in range(300)]
    errors = [calibration_error(label, score) for label, score, _ in drawn]
    chances = [error_by_chance(*one) for one in drawn]
    assert np.mean(chances) == pytest.approx(np.mean(errors), rel=0.1)
    alone = [error_by_chance(*one[:2], np.arange(len(one[0]))) for one in drawn]
    assert np.mean(alone) < 0.8 * np.mean(errors)


def test_scores_that_are_too_sure_have_more_than_the_chance_error() -> None:
    label, score, patients = draw_patients(np.random.default_rng(0), temperature=4)
    assert calibration_error(label, score) > 1.5 * error_by_chance(label, score, patients)


@pytest.mark.parametrize(("score", "share"), [(0.9, 0.5), (0.9, 0.9), (0.9, 1.0), (0.5, 0.1)])
def test_the_chance_error_in_closed_form(score: float, share: float) -> None:
    """Of images of their own patients with one score, whatever share of them is positive."""
    label = (np.arange(100) < 100 * share).astype(int)
    expected = np.sqrt(2 / np.pi * score * (1 - score) / 100)
    found = error_by_chance(label, np.full(100, score), np.arange(100))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("together", [True, False], ids=["together", "each"])
@pytest.mark.parametrize("temperature", [1, 4])
def test_the_chance_error_is_the_same_for_scores_that_are_wrong(
    temperature: float, together: bool
) -> None:
    """It is about the error of these scores with labels drawn by them."""
    random = np.random.default_rng(0)
    chances, errors = [], []
    for _ in range(200):
        label, score, patients = draw_patients(random, temperature, together)
        chances.append(error_by_chance(label, score, patients))
        errors.append(calibration_error(draw_labels(random, score, patients, together), score))
    assert np.mean(chances) == pytest.approx(np.mean(errors), rel=0.1)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 4), st.integers(0, 10**6))
def test_a_known_temperature_is_found_back(temperature: float, seed: int) -> None:
    label, score = draw(seed, temperature=temperature)
    assert fit_temperature(label, score) == pytest.approx(temperature, rel=0.1)


def test_the_temperature_in_closed_form() -> None:
    """Of ten equally sure scores eight are right: the likeliest score is 0.8."""
    label = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 1])
    score = np.array([0.95] * 5 + [0.05] * 5)
    temperature = fit_temperature(label, score)
    assert temperature == pytest.approx(logit(0.95) / logit(0.8))
    assert apply_temperature(score, temperature)[0] == pytest.approx(0.8)


def test_the_temperature_is_that_of_a_logistic_regression() -> None:
    label, score = draw(images=500, temperature=2)
    model = LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10)
    model.fit(logit(score)[:, None], label)
    assert fit_temperature(label, score) == pytest.approx(1 / model.coef_.item(), rel=1e-4)


def test_scores_of_0_and_1_have_a_temperature() -> None:
    temperature = fit_temperature(np.array([0, 1, 1, 0, 1]), np.array([0.0, 1.0, 1.0, 1.0, 0.6]))
    assert 1 < temperature < np.inf
    assert apply_temperature(np.array([0.0, 1.0]), temperature).tolist() == [0, 1]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 100)), min_size=2, max_size=40),
    st.floats(0.2, 20),
)
def test_a_temperature_never_changes_the_auroc(
    rows: list[tuple[int, int]], temperature: float
) -> None:
    label, percent = np.array(rows).T
    if len(set(label)) == 2:
        scaled = apply_temperature(percent / 100, temperature)
        assert roc_auc_score(label, scaled) == roc_auc_score(label, percent)


def test_the_fitted_temperature_lowers_the_log_loss_of_its_images() -> None:
    label, score = draw(images=200, temperature=3)
    scaled = apply_temperature(score, fit_temperature(label, score))

    def loss(predicted: np.ndarray) -> float:
        return -np.log(np.where(label == 1, predicted, 1 - predicted)).mean()

    assert loss(scaled) < loss(score)


@pytest.mark.parametrize(
    ("label", "score", "message"),
    [
        ([1, 1], [0.2, 0.9], "both classes"),
        ([0, 1], [0.2, 0.9], "side of 0.5"),
        ([0, 1, 1], [0.2, 0.9, 0.5], "side of 0.5"),
        ([0, 1], [0.9, 0.2], "do not rise"),
        ([0, 1], [0.5, 0.5], "do not rise"),
    ],
)
def test_where_no_temperature_fits_the_error_says_why(
    label: list[int], score: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_temperature(np.array(label), np.array(score))


def table(label: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"label": label, "score": score})


def test_scores_that_are_too_sure_and_shifted_become_probabilities() -> None:
    parts = []
    for seed in (0, 1):
        label, score = draw(seed)
        parts.append(table(label, expit(2.5 * logit(score) + 1.5)))
    val, test = parts
    found = recalibrated(val, test)
    assert calibration_error(*test.to_numpy().T) > 0.1
    assert calibration_error(*found.to_numpy().T) < 0.02
    assert found["score"][test["score"].argsort()].is_monotonic_increasing
    slope, intercept = np.polyfit(logit(test["score"]), logit(found["score"]), 1)
    assert [slope, intercept] == pytest.approx([1 / 2.5, -1.5 / 2.5], abs=0.03)


def test_it_is_fitted_to_the_targets_of_platt() -> None:
    """At the fit, the mean of the scores and of logit x score are those of Platt's targets."""
    label, score = draw(2, images=40)
    val = table(label, score)
    found = recalibrated(val, val)["score"].to_numpy()
    n = label.sum()
    target = np.where(label == 1, (n + 1) / (n + 2), 1 / (40 - n + 2))
    assert found.mean() == pytest.approx(target.mean(), abs=1e-6)
    assert (found * logit(score)).mean() == pytest.approx((target * logit(score)).mean(), abs=1e-5)


def test_classes_that_are_apart_stay_finite() -> None:
    val = table(np.array([0, 0, 1, 1]), np.array([0.0, 0.1, 0.9, 1.0]))
    found = recalibrated(val, val)["score"]
    assert found.between(0.01, 0.99).all()


def test_where_nothing_can_be_fitted_it_says_why() -> None:
    val = table(np.array([0, 1]), np.array([0.2, 0.8]))
    with pytest.raises(ValueError, match="no scores of another split"):
        recalibrated(None, val)
    with pytest.raises(ValueError, match="of one class"):
        recalibrated(val.assign(label=1), val)
    with pytest.raises(ValueError, match="do not rise"):
        recalibrated(val.assign(label=[1, 0]), val)
