"""How much frozen features promise for a classification, before anything is trained on it.

All take features, float [N, D], and classes, int [N], and compute in float64. More is better.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, svdvals

ROUNDS, CLOSE = 100, 1e-6
"""At most so many rounds of LogME's fixed point, which ends where both precisions change less."""
TINY = 1e-12
DISTORTION = 1e-4
"""TransRate's epsilon."""


def log_me(features: np.ndarray, classes: np.ndarray) -> float:
    """The largest evidence per image of a Bayesian linear model, mean over the classes.

    LogME (You et al. 2021, https://arxiv.org/abs/2102.11005): each class against the rest, as 1
    and 0, is regressed on the features; the precisions of weights and noise maximise the evidence.
    """
    features = np.asarray(features, dtype=np.float64)
    left, values, _ = np.linalg.svd(features, full_matrices=False)
    found = [
        _evidence(left, values**2, (classes == one).astype(np.float64), features.shape[1])
        for one in np.unique(classes)
    ]
    return float(np.mean(found))


def _evidence(left: np.ndarray, squares: np.ndarray, target: np.ndarray, width: int) -> float:
    """The logarithm of the evidence per image at its maximum.

    Args:
        left: The features' left singular vectors, [N, K].
        squares: Their squared singular values, [K].
        target: [N].
        width: The features' number.
    """
    count = len(target)
    along = (left.T @ target) ** 2
    beyond = max(target @ target - along.sum(), 0.0)
    prior = noise = 1.0
    for _ in range(ROUNDS):
        ratio = prior / noise
        effective = (squares / (squares + ratio)).sum()
        weights = (squares * along / (squares + ratio) ** 2).sum()
        residual = (along * (ratio / (squares + ratio)) ** 2).sum() + beyond
        before = prior, noise
        prior = max(effective, TINY) / (weights + TINY)
        noise = (count - effective) / (residual + TINY)
        if np.allclose((prior, noise), before, rtol=CLOSE, atol=0):
            break
    ratio = prior / noise
    weights = (squares * along / (squares + ratio) ** 2).sum()
    residual = (along * (ratio / (squares + ratio)) ** 2).sum() + beyond
    determinant = np.log(prior + noise * squares).sum() + (width - len(squares)) * np.log(prior)
    evidence = width * np.log(prior) + count * np.log(noise / (2 * np.pi))
    return float((evidence - noise * residual - prior * weights - determinant) / (2 * count))


def h_score(features: np.ndarray, classes: np.ndarray) -> float:
    """What of the features' variance lies between the classes: 0 to the number of classes less 1.

    H-score (Bao et al. 2019) with the covariance of the features shrunk as Ledoit and Wolf do, and
    that between the classes by the same share (Ibrahim et al. 2022,
    https://arxiv.org/abs/2110.06893): without it the score is of no use where N is not far above D.
    Features that are all alike score 0.
    """
    from sklearn.covariance import ledoit_wolf

    centred = _centred(np.asarray(features, dtype=np.float64))
    if np.abs(centred).max() < TINY:
        return 0.0
    covariance, shrinkage = ledoit_wolf(centred)
    names, number = np.unique(classes, return_inverse=True)
    means = np.stack([centred[number == one].mean(axis=0) for one in range(len(names))])
    weighted = means * np.sqrt(np.bincount(number) / len(number))[:, None]
    solved = cho_solve(cho_factor(covariance), weighted.T)
    return float((1 - shrinkage) * (weighted * solved.T).sum())


def trans_rate(features: np.ndarray, classes: np.ndarray) -> float:
    """How much more room all features take than those of one class, in nats: 0 or more.

    TransRate (Huang et al. 2022, https://arxiv.org/abs/2106.09362): the coding rate of the features
    less the mean rate of the classes, weighted by their images. Features have a mean of 0 and a
    mean squared norm of 1, so that their scale does not count, and each class is centred, as the
    authors' code does to select models: else two classes on both sides of the mean would score 0
    however far apart.
    """
    centred = _centred(np.asarray(features, dtype=np.float64))
    size = np.sqrt((centred**2).sum() / len(centred))
    if size < TINY:
        return 0.0
    scaled = centred / size
    parts = [_centred(scaled[classes == one]) for one in np.unique(classes)]
    within = sum(len(part) / len(scaled) * _coding_rate(part) for part in parts)
    return _coding_rate(scaled) - float(within)


def _centred(features: np.ndarray) -> np.ndarray:
    return features - features.mean(axis=0)


def _coding_rate(features: np.ndarray) -> float:
    return float(0.5 * np.log1p(svdvals(features) ** 2 / (len(features) * DISTORTION)).sum())
