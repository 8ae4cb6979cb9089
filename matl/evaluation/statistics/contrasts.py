"""Differences of a metric over seeds of the whole chain and over test patients.

An interval must carry both sources of variation: other patients would give another difference, and
so would another seed. The variance over patients is that of a cluster bootstrap, paired over the
models and the seeds; the variance over seeds is that of their mean. What both contain, the
interaction of seed and patient, is counted once. Degrees of freedom are Satterthwaite's
("An approximate distribution of estimates of variance components", 1946), and no fewer than the
seeds or the patients give: where taking the interaction off leaves little, his formula would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from matl.evaluation.metrics import (
    CONFIDENCE,
    RESAMPLES,
    draw_patients,
    fewest_patients,
    metric_values,
)

Scale = Literal["plain", "logit"]
Verdict = Literal["holds", "does not hold", "undecided"]


@dataclass(frozen=True)
class Arm:
    """The scores of one model over the same test images.

    Attributes:
        weight: What it counts in the difference: 1 for a gain's chain, -1 for its scratch.
        scores: Float [S, N]: one row per seed of the whole chain, one column per image; or
            [S, R, N] of R repetitions of a cross-validation.
    """

    weight: float
    scores: np.ndarray


@dataclass(frozen=True)
class Contrast:
    """A difference with its 95 % interval.

    Attributes:
        value: Its mean over the seeds.
        low, high: The interval's ends. None where it would show a certainty that the data do not
            have: there are fewer than two patients of a class that the metric needs, or no draw of
            patients and no seed gives another value, as of two perfect models.
        p: Of the two-sided t test against 0; None where `low` is.
        patients_error: Standard error over patients, of those that were drawn.
        seeds_error: Standard error over seeds; None with one seed, whose interval covers the
            patients alone.
        seeds: Their number.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    patients_error: float
    seeds_error: float | None
    seeds: int

    def text(self, form: str = "+.3f") -> str:
        """The value and its interval, as in "+0.010 [-0.020, +0.040]"."""
        return f"{self.value:{form}} {self.interval(form)}"

    def interval(self, form: str = "+.3f") -> str:
        """The interval, as in "[-0.020, +0.040]"."""
        if self.low is None or self.high is None:
            return "[none]"
        return f"[{self.low:{form}}, {self.high:{form}}]"


def contrast(
    label: np.ndarray,
    patients: np.ndarray,
    arms: Sequence[Arm],
    scale: Scale = "plain",
    folds: np.ndarray | None = None,
    metric: str = "auroc",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Contrast:
    """The weighted sum of the arms' metrics, such as a transfer gain or a difference of two gains.

    In a cross-validation the scores of two folds come from two models and are never ranked against
    each other: a metric is the mean over folds and repetitions.

    Args:
        label: 0 or 1 of each test image, int [N].
        patients: The patient of each image, int [N] in 0..P-1.
        arms: The models; all have the same seeds.
        scale: Of the metrics: as they are, or their logits.
        folds: The fold in which each image was tested, int [R, N]; by default all in one.
        metric: Its name in `matl.evaluation.metrics.METRICS`.
        resamples: How many times the patients are drawn.
        seed: Of the draws.

    Raises:
        ValueError: The arms' seeds differ in number, or their scores and images do, or the
            images lack a class that the metric needs.
    """
    if len({arm.scores.shape for arm in arms}) != 1 or arms[0].scores.shape[-1:] != label.shape:
        raise ValueError("arms need scores [seeds, images] of the same seeds and images")
    folds = np.zeros((1, len(label)), dtype=int) if folds is None else folds
    images = _Images(label, patients, folds, metric)
    once = np.ones((1, int(patients.max()) + 1))
    values = _by_seed(images, arms, once, scale)[:, 0]
    resampled = draw_patients(patients, resamples, seed)
    draws = np.concatenate([_by_seed(images, arms, counts, scale) for counts in resampled], axis=1)
    draws = draws[:, np.isfinite(draws).all(axis=0)]
    if not np.isfinite(values).all() or draws.shape[1] < 2:
        raise ValueError(f"{metric} has no meaning on these images: they lack a class")
    enough = fewest_patients(label, patients, metric) > 1
    return _interval(values, draws, len(np.unique(patients)) if enough else None)


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number by Holm's step-down method (1979), in the same order."""
    order = np.argsort(p_values)
    factors = len(order) - np.arange(len(order))
    raised = np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted.tolist()


def verdict(found: Contrast, margin: float) -> Verdict:
    """Whether a difference of at least `margin` is shown, ruled out, or neither."""
    if found.low is not None and found.low > margin:
        return "holds"
    return "does not hold" if found.high is not None and found.high < margin else "undecided"


class _Images(NamedTuple):
    label: np.ndarray
    patients: np.ndarray
    folds: np.ndarray
    metric: str

    @property
    def resolution(self) -> float:
        """The least step of the metric: of an AUROC a pair of images, of others about an image."""
        pairs = self.label.sum() * (1 - self.label).sum()
        return 1.0 / (pairs if self.metric == "auroc" else len(self.label))


def _by_seed(images: _Images, arms: Sequence[Arm], counts: np.ndarray, scale: Scale) -> np.ndarray:
    """The weighted sum for each seed and weighting of the patients, [S, draws]."""
    rows = []
    for number in range(len(arms[0].scores)):
        values = [_mean_metric(images, arm.scores[number], counts) for arm in arms]
        if scale == "logit":
            values = [_logit(one, images.resolution) for one in values]
        rows.append(sum(arm.weight * one for arm, one in zip(arms, values, strict=True)))
    return np.array(rows)


def _mean_metric(images: _Images, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Over repetitions and folds; a fold that lost a class in a draw is left out of that draw."""
    parts = []
    for repetition, dealt in zip(np.atleast_2d(scores), images.folds, strict=True):
        for fold in np.unique(dealt):
            own = dealt == fold
            data = images.label[own], repetition[own], images.patients[own], counts
            parts.append(metric_values(*data, [images.metric])[images.metric])
    sums, numbers = np.nansum(parts, axis=0), np.isfinite(parts).sum(axis=0)
    return np.divide(sums, numbers, out=np.full(len(sums), np.nan), where=numbers > 0)


def _logit(values: np.ndarray, resolution: float) -> np.ndarray:
    """Logits, kept finite: a metric is taken to be half a step away from 0 and 1 at least."""
    inside = np.clip(values, resolution / 2, 1 - resolution / 2)
    return np.log(inside / (1 - inside))


def _interval(values: np.ndarray, draws: np.ndarray, patients: int | None) -> Contrast:
    """Without its ends where `patients` is None: they are too few."""
    from scipy import stats

    seeds, mean = len(values), float(values.mean())
    over_patients = float(draws.mean(axis=0).var(ddof=1))
    over_seeds = float(values.var(ddof=1)) / seeds if seeds > 1 else 0.0
    variance = max(over_patients + over_seeds - _interaction(draws, over_patients), over_patients)
    low = high = p = None
    if variance > 0 and patients is not None:
        parts = over_patients**2 / (patients - 1) + over_seeds**2 / max(seeds - 1, 1)
        fewest = min(patients, max(seeds, 2)) - 1
        t = stats.t(df=max(variance**2 / parts, fewest))
        reach = float(t.ppf((1 + CONFIDENCE) / 2)) * variance**0.5
        low, high = mean - reach, mean + reach
        p = float(2 * t.sf(abs(mean) / variance**0.5))
    return Contrast(
        value=mean,
        low=low,
        high=high,
        p=p,
        patients_error=over_patients**0.5,
        seeds_error=over_seeds**0.5 if seeds > 1 else None,
        seeds=seeds,
    )


def _interaction(draws: np.ndarray, over_patients: float) -> float:
    """The part of the mean's variance that varies by seed and by patient together."""
    seeds = len(draws)
    if seeds == 1:
        return 0.0
    single = float(draws.var(axis=1, ddof=1).mean())
    return max(single - over_patients, 0.0) / (seeds - 1)
