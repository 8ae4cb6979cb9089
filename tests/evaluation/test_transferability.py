"""LogME, the H-score and TransRate against their published formulas and known limits."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.covariance import ledoit_wolf

from matl.evaluation.transferability import h_score, log_me, trans_rate

SCORES = (log_me, h_score, trans_rate)


def drawn(images: int, width: int, apart: float, classes: int = 2) -> tuple[np.ndarray, ...]:
    """Features of classes whose means lie apart, and the classes."""
    random = np.random.default_rng(3)
    label = np.arange(images) % classes
    features = random.standard_normal((images, width))
    features[np.arange(images), label] += apart
    return features, label


def evidence(features: np.ndarray, target: np.ndarray, prior: float, noise: float) -> float:
    """The logarithm of the evidence as the paper writes it, with matrices."""
    count, width = features.shape
    precision = prior * np.eye(width) + noise * features.T @ features
    mean = noise * np.linalg.solve(precision, features.T @ target)
    return (
        count / 2 * np.log(noise)
        + width / 2 * np.log(prior)
        - count / 2 * np.log(2 * np.pi)
        - noise / 2 * np.sum((features @ mean - target) ** 2)
        - prior / 2 * mean @ mean
        - np.linalg.slogdet(precision)[1] / 2
    )


@pytest.mark.parametrize(("images", "width"), [(60, 5), (30, 40)])
@pytest.mark.parametrize("classes", [2, 3])
def test_log_me_is_the_largest_evidence(images: int, width: int, classes: int) -> None:
    features, label = drawn(images, width, apart=1, classes=classes)
    best = []
    for one in range(classes):
        target = (label == one).astype(float)
        found = minimize(
            lambda logs, target=target: -evidence(features, target, *np.exp(logs)),
            x0=[0.0, 0.0],
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000},
        )
        best.append(-found.fun / images)
    assert log_me(features, label) == pytest.approx(np.mean(best), abs=1e-5)


@pytest.mark.parametrize(("images", "width"), [(60, 5), (30, 40)])
def test_the_h_score_is_that_of_the_shrunk_covariances(images: int, width: int) -> None:
    features, label = drawn(images, width, apart=2, classes=3)
    shrunk, share = ledoit_wolf(features)
    means = np.stack([features[label == one].mean(axis=0) for one in label])
    between = (1 - share) * np.cov(means.T, bias=True)
    assert h_score(features, label) == pytest.approx(np.trace(np.linalg.inv(shrunk) @ between))


@pytest.mark.parametrize(("images", "width"), [(60, 5), (30, 40)])
def test_trans_rate_is_that_of_the_log_determinants(images: int, width: int) -> None:
    def rate(part: np.ndarray) -> float:
        inside = np.eye(width) + np.cov(part.T, bias=True) / 1e-4
        return np.linalg.slogdet(inside)[1] / 2

    features, label = drawn(images, width, apart=2, classes=3)
    centred = features - features.mean(axis=0)
    scaled = centred / np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    expected = rate(scaled) - sum(rate(scaled[label == one]) for one in range(3)) / 3
    assert trans_rate(features, label) == pytest.approx(expected)
    assert trans_rate(7 * features + 3, label) == pytest.approx(expected)


@pytest.mark.parametrize("score", SCORES)
def test_scores_rise_with_the_distance_of_the_classes(score) -> None:
    found = [score(*drawn(200, 8, apart=apart)) for apart in (0, 1, 3, 9)]
    assert found == sorted(found)
    assert found[-1] > found[0] + 0.1


@pytest.mark.parametrize("score", SCORES)
def test_scores_do_not_depend_on_the_images_order_or_the_classes_numbers(score) -> None:
    features, label = drawn(40, 6, apart=1)
    order = np.random.default_rng(0).permutation(40)
    expected = score(features, label)
    assert score(features[order], 5 - label[order]) == pytest.approx(expected)
    assert score(features.astype(np.float32), label) == pytest.approx(expected, rel=1e-4)


def test_limits_of_the_h_score() -> None:
    """Two classes that are two points: the whole variance is between them."""
    perfect = np.repeat(np.eye(3), 100, axis=0)
    label = np.repeat(np.arange(3), 100)
    assert h_score(perfect, label) == pytest.approx(2, abs=0.05)
    assert h_score(*drawn(2000, 4, apart=0)) == pytest.approx(0, abs=0.01)


def test_limits_of_log_me_and_trans_rate() -> None:
    features, label = drawn(2000, 4, apart=0)
    blind = -0.5 * (np.log(2 * np.pi * 0.25) + 1)  # a constant 1/2 with a variance of 1/4 around it
    assert log_me(np.c_[features, np.ones(2000)], label) == pytest.approx(blind, abs=0.02)
    assert trans_rate(features, label) == pytest.approx(0, abs=0.01)
    two_points, ends = np.repeat(np.eye(2), 50, axis=0), np.repeat([0, 1], 50)
    assert trans_rate(two_points, ends) == pytest.approx(0.5 * np.log1p(1e4))
    assert log_me(two_points, ends) > 3


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_features_that_are_all_alike_have_a_score(score, value: float) -> None:
    label = np.arange(30) % 2
    assert np.isfinite(score(np.full((30, 5), value), label))
