"""Tests of one model against another on the same patients, without resampling."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from matl.evaluation.metrics import CONFIDENCE, THRESHOLD


@dataclass(frozen=True)
class Difference:
    """A difference of two models, its standard error, and the two-sided p value of its z test.

    Where the models differ and yet no patient varies, as between a perfect model and a constant
    one, the error is not known: it and p are NaN.
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

    The variance under equal accuracies of Durkalski et al., "Analysis of clustered matched-pair
    data", Statistics in Medicine 2003, for clusters weighed by their images; with each image as a
    cluster it is McNemar's test without a continuity correction.

    Args:
        label: 0 or 1 of each image, int [N].
        first: probabilities of a model, float [N].
        second: probabilities of the other one.
        clusters: the patient of each image, int [N].
    """
    right = [(scores >= THRESHOLD) == label for scores in (first, second)]
    gained = np.bincount(clusters, right[0].astype(float) - right[1])
    return _difference(float(gained.sum() / len(label)), float((gained**2).sum()) / len(label) ** 2)


def _components(
    label: np.ndarray, scores: np.ndarray, clusters: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """The AUROC, and by cluster how far its positives and its negatives lie from it in sum."""
    positive, negative = scores[label == 1][:, None], scores[label == 0][None]
    wins = (positive > negative) + 0.5 * (positive == negative)
    auroc = float(wins.mean())
    number = int(clusters.max()) + 1
    of_positives = np.bincount(clusters[label == 1], wins.mean(1) - auroc, number)
    of_negatives = np.bincount(clusters[label == 0], wins.mean(0) - auroc, number)
    return auroc, of_positives, of_negatives


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
        return Difference(value, 0.0, 1.0) if value == 0 else Difference(value, math.nan, math.nan)
    return Difference(value, error, float(2 * stats.norm.sf(abs(value) / error)))
