"""How alike two networks see the same images: linear centred kernel alignment.

Kornblith et al., "Similarity of Neural Network Representations Revisited",
https://arxiv.org/abs/1905.00414. With few images and many features it is biased upwards; the
unbiased estimate of its parts (Song et al., "Feature Selection via Dependence Maximization", JMLR
2012, as in Nguyen et al., https://arxiv.org/abs/2010.15327) stands beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from matl.evaluation.metrics import CONFIDENCE, Estimate

LEAST_IMAGES = 4
MOST_PARTS = 40
Features = Mapping[int, np.ndarray]


@dataclass(frozen=True)
class Alignment:
    """How alike two networks are at one stride.

    Attributes:
        first: the name of a network.
        second: the name of the next one.
        stride: of their maps.
        cka: linear CKA in [0, 1], 1 for the same up to rotation and scale.
        unbiased: the same from unbiased estimates, about 0 for unrelated networks; None where
            there are fewer than 4 images.
    """

    first: str
    second: str
    stride: int
    cka: Estimate
    unbiased: float | None


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Linear CKA of two sets of features of the same images, float [N, P] and [N, Q].

    Invariant to rotations and reflections of the features, and to their scale and mean.

    Returns:
        A number in [0, 1]; NaN where all images have the same features.
    """
    return _cka(_gram(first), _gram(second), _hsic)


def unbiased_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Linear CKA from unbiased estimates of the HSIC; it may lie a little outside of [0, 1].

    Raises:
        ValueError: there are fewer than 4 images.
    """
    if len(first) < LEAST_IMAGES:
        raise ValueError(f"{len(first)} images; an unbiased estimate needs {LEAST_IMAGES}")
    return _cka(_gram(first), _gram(second), _unbiased_hsic)


def align(
    networks: Mapping[str, Features], pairs: Sequence[tuple[str, str]], patients: np.ndarray
) -> list[Alignment]:
    """Compares pairs of networks at every stride.

    The interval is the delete-a-group jackknife's over patients (Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993, chapter 11): a bootstrap repeats images, and repeated
    images are alike in every network.

    Args:
        networks: by name, the features float [N, channels] of the same images at each stride.
        pairs: names of the networks to compare.
        patients: the patient of each image, int [N]; they need not be numbered in order.
    """
    return [
        _alignment(first, second, stride, networks, patients)
        for first, second in pairs
        for stride in networks[first]
    ]


def _alignment(
    first: str, second: str, stride: int, networks: Mapping[str, Features], patients: np.ndarray
) -> Alignment:
    x, y = networks[first][stride], networks[second][stride]
    cka = _value(linear_cka(x, y))
    low, high = _jackknife(x, y, patients)
    unbiased = None if len(patients) < LEAST_IMAGES else _value(unbiased_cka(x, y))
    return Alignment(first, second, stride, Estimate(cka, low, high), unbiased)


def _value(number: float) -> float | None:
    return None if np.isnan(number) else number


def _jackknife(
    first: np.ndarray, second: np.ndarray, patients: np.ndarray
) -> tuple[float | None, float | None]:
    """The 95 % interval of the CKA of two sets of features, cut off at 0 and 1."""
    _, numbers = np.unique(patients, return_inverse=True)
    number = min(int(numbers.max()) + 1, MOST_PARTS)
    if number < 2:
        return None, None
    parts = np.random.default_rng(0).permutation(numbers.max() + 1)[numbers] % number
    kept = [np.flatnonzero(parts != part) for part in range(number)]
    left_out = [linear_cka(first[rows], second[rows]) for rows in kept]
    error = np.sqrt((number - 1) * np.var(left_out))
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, number - 1) * error
    value = linear_cka(first, second)
    if not np.isfinite(value + reach):
        return None, None
    return max(0.0, float(value - reach)), min(1.0, float(value + reach))


def _gram(features: np.ndarray) -> np.ndarray:
    """The images' inner products, float64 [N, N], of features with mean 0 over the images."""
    centred = np.asarray(features, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    return centred @ centred.T


def _cka(
    first: np.ndarray, second: np.ndarray, hsic: Callable[[np.ndarray, np.ndarray], float]
) -> float:
    own = hsic(first, first) * hsic(second, second)
    return float(hsic(first, second) / np.sqrt(own)) if own > 0 else float("nan")


def _hsic(first: np.ndarray, second: np.ndarray) -> float:
    """The Hilbert-Schmidt independence criterion of centred Gram matrices, but for a factor."""
    return float((first * second).sum())


def _unbiased_hsic(first: np.ndarray, second: np.ndarray) -> float:
    """Song et al.'s estimate, but for a factor; at least 4 images."""
    count = len(first)
    k, m = (gram - np.diag(np.diag(gram)) for gram in (first, second))
    of_all = k.sum() * m.sum() / ((count - 1) * (count - 2))
    of_rows = 2 * (k.sum(axis=0) @ m.sum(axis=0)) / (count - 2)
    return float((k * m).sum() + of_all - of_rows)
