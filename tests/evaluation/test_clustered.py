"""The clustered tests against slow or published forms."""

import numpy as np
import pytest
from scipy import stats

from matl.evaluation.statistics.clustered import accuracy_difference, auroc_difference
from matl.evaluation.statistics.contrasts import Arm, contrast


def scores(
    seed: int = 0, patients: int = 50, images: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two models over patients who may have images of both classes."""
    random = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(patients), images)
    label = random.integers(0, 2, len(clusters))
    effect = random.normal(0, 0.2, patients)[clusters]
    models = [
        np.clip(0.4 + gain * label + effect + random.normal(0, 0.2, len(label)), 0, 1).round(2)
        for gain in (0.25, 0.15)
    ]
    return label, models[0], models[1], clusters


def delong(label: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Difference and variance as DeLong et al. write them, pair by pair."""

    def kernel(x: float, y: float) -> float:
        return 1.0 if x > y else 0.5 if x == y else 0.0

    columns, rows, aurocs = [], [], []
    for model in (first, second):
        positive, negative = model[label == 1], model[label == 0]
        columns.append([np.mean([kernel(x, y) for y in negative]) for x in positive])
        rows.append([np.mean([kernel(x, y) for x in positive]) for y in negative])
        aurocs.append(np.mean(columns[-1]))
    contrast_row = np.array([1, -1])
    covariance = np.cov(columns) / len(columns[0]) + np.cov(rows) / len(rows[0])
    return aurocs[0] - aurocs[1], float(contrast_row @ covariance @ contrast_row)


@pytest.mark.parametrize("seed", range(3))
def test_single_images_give_delongs_test(seed: int) -> None:
    label, first, second, _ = scores(seed)
    found = auroc_difference(label, first, second, np.arange(len(label)))
    value, variance = delong(label, first, second)
    assert found.value == pytest.approx(value)
    assert found.error**2 == pytest.approx(variance)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(value) / variance**0.5))


def test_doubled_images_are_worth_no_more_than_single_ones() -> None:
    label, first, second, _ = scores(images=1)
    single = auroc_difference(label, first, second, np.arange(len(label)))
    twice = [np.repeat(each, 2) for each in (label, first, second, np.arange(len(label)))]
    clustered = auroc_difference(*twice)
    assert clustered.error == pytest.approx(single.error)
    blind = auroc_difference(*twice[:3], np.arange(2 * len(label)))
    assert blind.error < 0.75 * single.error


def test_the_error_is_about_that_of_the_bootstrap() -> None:
    label, first, second, clusters = scores(patients=150)
    found = auroc_difference(label, first, second, clusters)
    arms = [Arm(1.0, first[None]), Arm(-1.0, second[None])]
    assert found.error == pytest.approx(contrast(label, clusters, arms).patients_error, rel=0.1)


def test_a_model_against_itself_does_not_differ() -> None:
    label, first, _, clusters = scores()
    assert auroc_difference(label, first, first, clusters).p == 1
    assert accuracy_difference(label, first, first, clusters).p == 1


def test_images_of_one_class_are_refused() -> None:
    label, first, second, clusters = scores()
    with pytest.raises(ValueError, match="both classes"):
        auroc_difference(np.ones_like(label), first, second, clusters)


def test_single_images_give_mcnemars_test() -> None:
    """Agresti, Categorical Data Analysis, 10.1: approval of a prime minister, 150 against 86."""
    gained, lost, neither = 86, 150, 1364
    first = np.repeat([1, 0, 1], [gained, lost, neither]).astype(float)
    second = np.repeat([0, 1, 1], [gained, lost, neither]).astype(float)
    label = np.ones(len(first), dtype=int)
    found = accuracy_difference(label, first, second, np.arange(len(label)))
    z = found.value / found.error
    assert z**2 == pytest.approx(17.36, abs=0.01)
    assert found.value == pytest.approx((gained - lost) / 1600)


def test_clusters_that_agree_weaken_mcnemars_test() -> None:
    label, first, second, _ = scores()
    single = accuracy_difference(label, first, second, np.arange(len(label)))
    twice = [np.repeat(each, 2) for each in (label, first, second, np.arange(len(label)))]
    assert accuracy_difference(*twice).p == pytest.approx(single.p)
    assert accuracy_difference(*twice[:3], np.arange(2 * len(label))).p <= single.p
