"""Whether a score of 0.8 means that 8 of 10 are ill, and scores rescaled so that it does.

Guo et al., "On calibration of modern neural networks", ICML 2017; Platt, "Probabilistic outputs for
support vector machines", 1999.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from matl.evaluation.metrics import patient_codes

BINS = 10
# Scores come from a network in 32-bit floats: nothing is surer than their resolution.
_SUREST = float(np.finfo(np.float32).eps)
_MOST_STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """The calibration error of a model's test scores.

    Attributes:
        error: As the scores are.
        temperature: Fitted on validation scores, None where none fits.
        scaled_error: At that temperature, None where `temperature` is.
        by_chance: What calibrated scores of the same patients would about show.
    """

    error: float
    temperature: float | None
    scaled_error: float | None
    by_chance: float


def reliability(label: np.ndarray, score: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """What was predicted and what was observed, over bins of equal width.

    Args:
        label: 0 or 1 of each image, int [N].
        score: Probability of 1, float [N].
        bins: Their number over [0, 1]; a bin holds its lower end, the last one both.

    Returns:
        A row for each bin that is not empty, in order: `predicted` (mean score), `observed` (share
        of label 1) and `images` (their number).
    """
    table = pd.DataFrame({"bin": _bin(score, bins), "predicted": score, "observed": label})
    groups = table.groupby("bin")
    means = groups[["predicted", "observed"]].mean()
    return means.assign(images=groups.size()).reset_index(drop=True)


def calibration_error(label: np.ndarray, score: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: the mean distance of predicted and observed, over the images.

    Chance alone makes it larger than 0, the more so the fewer the patients: see
    `error_by_chance`. For that reason percentile intervals of it miss the truth.

    Args:
        label: As in `reliability`.
        score: As in `reliability`.
        bins: As in `reliability`.
    """
    table = reliability(label, score, bins)
    distance = (table["predicted"] - table["observed"]).abs()
    return float(np.average(distance, weights=table["images"]))


def error_by_chance(
    label: np.ndarray, score: np.ndarray, patients: np.ndarray, bins: int = BINS
) -> float:
    """About the calibration error that calibrated scores of these patients would have.

    In each bin the sum over a patient's images of label minus score could as well have the other
    sign; this is the mean error over all signs, a bin's sum taken as normal. So that scores that
    are not calibrated do not raise it, an image of score s counts by sqrt(s (1 - s)), and label
    minus what was observed in its bin says how far the images of a patient err together.

    Args:
        label: As in `reliability`.
        score: As in `reliability`.
        patients: The patient of each image, int [N] in 0..P-1.
        bins: As in `reliability`.
    """
    places = _bin(score, bins)
    observed = pd.Series(label).groupby(places).transform("mean").to_numpy()
    seen = np.sqrt(observed * (1 - observed))
    signs = np.divide(label - observed, seen, out=np.ones(len(label)), where=seen > 0)
    sums = np.zeros((int(patients.max()) + 1, bins))
    np.add.at(sums, (patients, places), signs * np.sqrt(score * (1 - score)))
    spread = np.sqrt((sums**2).sum(axis=0))
    return float(np.sqrt(2 / np.pi) * spread.sum() / len(label))


def fit_temperature(label: np.ndarray, score: np.ndarray) -> float:
    """The temperature under which the labels are likeliest; above 1 the scores were too sure.

    Args:
        label: 0 or 1 of each image of a validation split, int [N].
        score: Probability of 1, float [N].

    Raises:
        ValueError: There is none: the labels are of one class, the scores are all on the labels'
            side of 0.5 (the best temperature is 0), or they say nothing of the labels or the
            reverse (it is infinite).
    """
    from scipy import optimize

    if len(np.unique(label)) < 2:
        raise ValueError("a temperature needs images of both classes")
    logits = _logits(score)

    def slope(coldness: float) -> float:
        """Of the negative log likelihood over 1 / temperature: it rises."""
        return float(logits @ (_expit(coldness * logits) - label))

    if slope(0) >= -_SUREST * np.abs(logits).sum():
        raise ValueError("no temperature fits: the scores do not rise with the labels")
    if (logits * (2 * label - 1) >= 0).all():
        raise ValueError("no temperature fits: every score is on its label's side of 0.5")
    coldest = 1.0
    while slope(coldest) < 0:
        coldest *= 2
        if coldest > 1 / _SUREST:
            raise ValueError("no temperature fits: every score is on its label's side of 0.5")
    coldness = float(optimize.brentq(slope, 0, coldest))
    if coldness < _SUREST:
        raise ValueError("no temperature fits: the scores do not rise with the labels")
    return 1 / coldness


def apply_temperature(score: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities whose logits are divided by the temperature, float64 [N]; ranks stay."""
    from scipy import special

    return special.expit(special.logit(np.asarray(score, dtype=float)) / temperature)


def recalibrated(val: pd.DataFrame | None, test: pd.DataFrame) -> pd.DataFrame:
    """Test scores through a logistic regression on the logits of validation scores.

    Platt's targets, (n + 1) / (n + 2) for n images of a class, keep it finite where the classes are
    apart. Ranks stay.

    Args:
        val: Scores of a model as in `matl.evaluation.metrics.check_scores`, None where there are
            none of other images.
        test: Scores of the same model.

    Raises:
        ValueError: There are no validation scores, their images are of one class, or they do not
            rise with the labels.
    """
    if val is None:
        raise ValueError("there are no scores of another split to fit it on")
    label = val["label"].to_numpy()
    if len(np.unique(label)) < 2:
        raise ValueError("the validation images are of one class")
    logits = _logits(val["score"].to_numpy())
    positives = label.sum()
    negatives = len(label) - positives
    target = np.where(label == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    slope, intercept = _fit_line(logits, target)
    if slope < _SUREST:
        raise ValueError("validation scores do not rise with the labels")
    return test.assign(score=_expit(slope * _logits(test["score"].to_numpy()) + intercept))


def _fit_line(logits: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the logistic regression on targets between 0 and 1, by Newton's steps.

    A page is drawn with it, which may not wait for scikit-learn to be imported. A step is halved
    until it lowers the loss.
    """
    x = np.stack([logits, np.ones_like(logits)])
    line = np.zeros(2)

    def loss(line: np.ndarray) -> float:
        return float((np.logaddexp(0, line @ x) - target * (line @ x)).sum())

    for _ in range(_MOST_STEPS):
        found = _expit(line @ x)
        curvature = (x * (found * (1 - found))) @ x.T + _SUREST * np.eye(2)
        step = np.linalg.solve(curvature, x @ (found - target))
        while loss(line - step) > loss(line) and np.abs(step).max() > _SUREST:
            step /= 2
        line = line - step
        if np.abs(step).max() <= _SUREST:
            break
    return float(line[0]), float(line[1])


def calibrate(val: pd.DataFrame, test: pd.DataFrame) -> Calibration:
    """The calibration error on test, before and after a temperature that is fitted on val.

    Args:
        val: Scores of a model as in `matl.evaluation.metrics.check_scores`.
        test: Scores of the same model.
    """
    label, score = test["label"].to_numpy(), test["score"].to_numpy()
    error, patients = calibration_error(label, score), patient_codes(test)
    try:
        temperature = fit_temperature(val["label"].to_numpy(), val["score"].to_numpy())
    except ValueError:
        return Calibration(error, None, None, error_by_chance(label, score, patients))
    scaled = apply_temperature(score, temperature)
    by_chance = error_by_chance(label, scaled, patients)
    return Calibration(error, temperature, calibration_error(label, scaled), by_chance)


def _logits(score: np.ndarray) -> np.ndarray:
    clipped = np.clip(np.asarray(score, dtype=float), _SUREST, 1 - _SUREST)
    return np.log(clipped / (1 - clipped))


def _expit(logits: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -logits))


def _bin(score: np.ndarray, bins: int) -> np.ndarray:
    return np.searchsorted(np.arange(1, bins) / bins, score, side="right")
