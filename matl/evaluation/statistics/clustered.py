"""Tests of one model against another on the same patients, without resampling."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from matl.evaluation.metrics import CONFIDENCE, THRESHOLD


@dataclass(frozen=True)
class Difference:
    """A difference of two models, its standard error, and the two-sided p value of its z test.

    Where no patient varies, as between two perfect models, or a perfect one and a constant one,
    the error is not known: it and p are NaN.
    """

    value: float
    error: float
    p: float

    @property
    def known_p(self) -> float | None:
        """The p value; None where there is none."""
        return self.p if math.isfinite(self.p) else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The ends of the 95 % interval; None where there is none."""
        if not math.isfinite(self.error):
            return None
        reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * self.error
        return self.value - reach, self.value + reach

    def interval(self) -> str:
        """The interval, as in "[-0.020, +0.040]"."""
        if self.bounds is None:
            return "[none]"
        low, high = self.bounds
        return f"[{low:+.3f}, {high:+.3f}]"


def auroc_difference(
    label: np.ndarray, first: np.ndarray, second: np.ndarray, clusters: np.ndarray
) -> Difference:
    """Difference of two correlated AUROCs whose images come in clusters, such as patients.

    Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 1997. With each
    image as a cluster of its own it is the test of DeLong et al. (1988).

    Args:
        label: 0 or 1 of each image, int [N].
        first: scores of a model, float [N].
        second: scores of the other one.
        clusters: the patient of each image, int [N].

    Raises:
        ValueError: the images are of one class.
    """
    if len(np.unique(label)) < 2:
        raise ValueError("an AUROC needs images of both classes")
    parts = [_components(label, scores, clusters) for scores in (first, second)]
    aurocs = [auroc for auroc, _, _ in parts]
    positives = parts[0][1] - parts[1][1]
    negatives = parts[0][2] - parts[1][2]
    return _difference(aurocs[0] - aurocs[1], _variance(label, clusters, positives, negatives))


def accuracy_difference(
    label: np.ndarray, first: np.ndarray, second: np.ndarray, clusters: np.ndarray
) -> Difference:
    """Difference of two accuracies at the threshold, with McNemar's test adjusted for clusters.

    The variance under equal accuracies of Yang, Sun and Hardin, "A note on the tests for clustered
    matched-pair binary data", Biometrical Journal 2010, in which each image weighs the same; with
    each image as a cluster it is McNemar's test without a continuity correction.

    Args:
        label: 0 or 1 of each image, int [N].
        first: probabilities of a model, float [N].
        second: probabilities of the other one.
        clusters: the patient of each image, int [N].
    """
    right = [(scores >= THRESHOLD) == label for scores in (first, second)]
    return rights_difference(right[0], right[1], clusters)


def rights_difference(first: np.ndarray, second: np.ndarray, clusters: np.ndarray) -> Difference:
    """`accuracy_difference` of which images each model called rightly, bool [N]."""
    gained = np.bincount(clusters, first.astype(float) - second)
    images = len(clusters)
    return _difference(float(gained.sum() / images), float((gained**2).sum()) / images**2)


def macro_auroc_difference(
    label: np.ndarray, first: np.ndarray, second: np.ndarray, clusters: np.ndarray
) -> Difference:
    """Difference of two correlated macro AUROCs, each class against the rest, over clusters.

    Obuchowski's variance of `auroc_difference` for a mean of AUROCs: an image has one pull on it,
    the mean of those that it has on each class's AUROC. With two classes, whose probabilities add
    up to 1, it is `auroc_difference`.

    Args:
        label: the class's number of each image, int [N] in 0..K-1.
        first: probabilities of a model, float [N, K].
        second: probabilities of the other one.
        clusters: the patient of each image, int [N].

    Raises:
        ValueError: a class has no image.
    """
    classes = first.shape[1]
    if len(np.unique(label)) < classes:
        raise ValueError("a macro AUROC needs images of every class")
    (one, pull), (other, other_pull) = (_pulls(label, scores) for scores in (first, second))
    sums = np.zeros((int(clusters.max()) + 1, classes))
    np.add.at(sums, (clusters, label), pull - other_pull)
    numbers = [len(np.unique(clusters[label == each])) for each in range(classes)]
    own = [_unbiased(n) * float(each @ each) for n, each in zip(numbers, sums.T, strict=True)]
    both = float((sums.sum(1) ** 2).sum() - (sums**2).sum())
    return _difference(one - other, sum(own) + _unbiased(len(np.unique(clusters))) * both)


def _pulls(label: np.ndarray, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """The macro AUROC, and how far each image pulls it up, float [N], to first order."""
    classes = scores.shape[1]
    aurocs, pull = [], np.zeros(len(label))
    for each in range(classes):
        own = label == each
        wins = _wins(scores[own, each], scores[~own, each])
        aurocs.append(float(wins.mean()))
        pull[own] += (wins.mean(1) - aurocs[-1]) / (classes * own.sum())
        pull[~own] += (wins.mean(0) - aurocs[-1]) / (classes * (~own).sum())
    return float(np.mean(aurocs)), pull


def _components(
    label: np.ndarray, scores: np.ndarray, clusters: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """The AUROC, and by cluster how far its positives and its negatives lie from it in sum."""
    wins = _wins(scores[label == 1], scores[label == 0])
    auroc = float(wins.mean())
    number = int(clusters.max()) + 1
    of_positives = np.bincount(clusters[label == 1], wins.mean(1) - auroc, number)
    of_negatives = np.bincount(clusters[label == 0], wins.mean(0) - auroc, number)
    return auroc, of_positives, of_negatives


def _wins(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Which pairs are ranked rightly, ties half, float [positives, negatives]."""
    return (positive[:, None] > negative[None]) + 0.5 * (positive[:, None] == negative[None])


def _variance(
    label: np.ndarray, clusters: np.ndarray, positives: np.ndarray, negatives: np.ndarray
) -> float:
    numbers = [len(np.unique(clusters[label == one])) for one in (1, 0)]
    images = [int((label == one).sum()) for one in (1, 0)]
    every = len(np.unique(clusters))
    own = [
        _unbiased(clusters_of) * float((sums**2).sum()) / count**2
        for clusters_of, sums, count in zip(numbers, (positives, negatives), images, strict=True)
    ]
    both = _unbiased(every) * float((positives * negatives).sum()) / (images[0] * images[1])
    return sum(own) + 2 * both


def _unbiased(number: int) -> float:
    return number / (number - 1) if number > 1 else float("nan")


def _difference(value: float, variance: float) -> Difference:
    from scipy import stats

    error = max(variance, 0.0) ** 0.5
    if error == 0:
        return Difference(value, math.nan, math.nan)
    return Difference(value, error, float(2 * stats.norm.sf(abs(value) / error)))
