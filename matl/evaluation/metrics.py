"""Metrics of a two-class diagnosis from stored scores, with intervals resampled by patient.

The standard error is that of the cluster bootstrap (Field and Welsh, "Bootstrapping clustered
data", 2007): whole patients are drawn with replacement. A resample is kept as the number of times
that each patient was drawn, and every metric is computed with these counts as weights, which is
equal to the metric of the repeated rows and lets all resamples be computed at once. The interval is
Student's t around the metric's logit: with few patients percentiles of the resamples are too narrow
and lie too low.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd

from matl.evaluation.joining import STUDY

COLUMNS = ("image", "patient", "source", "split", "label", "score")
THRESHOLD = 0.5
CONFIDENCE = 0.95
RESAMPLES = 2000
METRICS = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "brier": "Brier",
}
LESS_IS_BETTER = ("brier",)
# The classes (0 negative, 1 positive) without whose images a metric has no meaning.
NEEDS: dict[str, tuple[int, ...]] = {
    "auroc": (0, 1),
    "average_precision": (0, 1),
    "balanced_accuracy": (0, 1),
    "accuracy": (),
    "sensitivity": (1,),
    "specificity": (0,),
    "f1": (1,),
    "brier": (),
}
_CELLS = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """A metric and its interval over patients.

    Attributes:
        value: The metric in [0, 1], or None where it is undefined: the images are of one class.
        low: Lower end of the 95 % interval. None where there is none: fewer than two patients, or
            fewer than two of a class that the metric needs, because resampling would then show a
            certainty that the data do not have.
        high: Upper end, None where `low` is.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        if self.low is None or self.high is None:
            return f"{self.value:.3f} [none]"
        return f"{self.value:.3f} [{self.low:.2f}, {self.high:.2f}]"


def check_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Checks a diagnosis's scores before anything is computed from them.

    Args:
        scores: One row an image: `image` (text, path relative to the data root), `patient`,
            `source`, `split` (text), `label` (0 or 1, the positive class), `score` (probability
            of the positive class in [0, 1]) and, where studies are known, `study` (text, "" where
            an image has none).

    Returns:
        A copy with these columns only, fresh index, `label` int64 and `score` float64.

    Raises:
        ValueError: Where a column is missing, a label or score is out of range or not a number, an
            image is listed twice, or its path is absolute.
    """
    table = take_columns(scores, COLUMNS)
    if not table["label"].isin([0, 1]).all():
        raise ValueError("the scores' labels must be 0 or 1; leave unlabelled images out")
    check_probabilities(table, "score")
    return table.astype({"label": np.int64, "score": np.float64})


def take_columns(scores: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """A copy of scores with these columns, and `study` where there is one, and a fresh index.

    Raises:
        ValueError: Where a column is missing, an image is listed twice, or its path is absolute.
    """
    missing = [name for name in columns if name not in scores.columns]
    if missing:
        raise ValueError(f"the scores lack the columns {', '.join(missing)}")
    known = [*columns, *(name for name in (STUDY,) if name in scores.columns)]
    table = scores.loc[:, known].reset_index(drop=True)
    twice = table.duplicated(["source", "image"])
    if twice.any():
        raise ValueError(f"the scores list {table['image'][twice].iloc[0]} twice")
    for image in table["image"]:
        if PurePosixPath(image).is_absolute() or PureWindowsPath(image).is_absolute():
            raise ValueError("the scores' image paths must be relative to the data root")
    return table


def check_probabilities(table: pd.DataFrame, column: str) -> None:
    """Checks that a column holds probabilities.

    Raises:
        ValueError: Where a cell is out of [0, 1] or not a number.
    """
    outside = ~pd.to_numeric(table[column], errors="coerce").between(0, 1)
    if outside.any():
        raise ValueError(
            f"{outside.sum()} of {len(table)} scores are no probability in [0, 1], for example "
            f"{table[column][outside].iloc[0]} of {table['image'][outside].iloc[0]}"
        )


def summarise(
    scores: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """Computes every metric with its 95 % interval over patients.

    The order of the rows does not matter. A resample that holds one class only is left out of the
    intervals of the metrics that need both.

    Args:
        scores: As in `check_scores`, of one split.
        resamples: How many times the patients are drawn.
        seed: Of the draws; the same seed and patients give the same draws for every model.

    Returns:
        An estimate for each name in `METRICS`, in that order.

    Raises:
        ValueError: Where the scores are invalid, empty, or of several splits.
    """
    table = check_scores(scores)
    require_one_split(table)
    patients = patient_codes(table)
    data = table["label"].to_numpy(), table["score"].to_numpy(), patients
    values = metric_values(*data, np.ones((1, patients.max() + 1)))
    draws = [metric_values(*data, counts) for counts in draw_patients(patients, resamples, seed)]
    summary = {}
    for name in METRICS:
        resampled = np.concatenate([draw[name] for draw in draws]) if draws else np.empty(0)
        fewest = fewest_patients(table["label"].to_numpy(), patients, name)
        summary[name] = estimate(values[name][0], resampled, fewest)
    return summary


def require_one_split(table: pd.DataFrame) -> None:
    """Checks that scores are of one split.

    Raises:
        ValueError: They are of several, or there is none.
    """
    splits = sorted(table["split"].unique())
    if len(splits) != 1:
        raise ValueError(f"metrics are computed on one split, not on {splits or 'no rows'}")


def patient_codes(table: pd.DataFrame) -> np.ndarray:
    """A number for each (source, patient), int64 [N], from 0 in sorted order."""
    groups = table.groupby(["source", "patient"], sort=True)
    return groups.ngroup().to_numpy(dtype=np.int64)


def fewest_patients(label: np.ndarray, patients: np.ndarray, metric: str) -> int:
    """The number of patients of the rarest class that a metric needs; of all where it needs none.

    Args:
        label: 0 or 1 of each image, int64 [N].
        patients: The patient of each image, int64 [N].
        metric: Its name in `METRICS`.
    """
    groups = [patients[label == one] for one in NEEDS[metric]] or [patients]
    return min(len(np.unique(group)) for group in groups)


def metric_values(
    label: np.ndarray,
    score: np.ndarray,
    patients: np.ndarray,
    counts: np.ndarray,
    names: Sequence[str] = tuple(METRICS),
) -> dict[str, np.ndarray]:
    """Computes metrics for several weightings of the patients.

    Args:
        label: 0 or 1 of each image of one split, int64 [N].
        score: Probability of 1, float64 [N].
        patients: The patient of each image, int64 [N] in 0..P-1.
        counts: How often each patient is counted, [R, P], a row for each resample.
        names: Of the metrics, from `METRICS`.

    Returns:
        For each name float64 [R], NaN where the metric is undefined.
    """
    called = score >= THRESHOLD
    columns = (label & called, label, (1 - label) & ~called, 1 - label, (score - label) ** 2)
    per_patient = [np.bincount(patients, column, counts.shape[1]) for column in columns]
    hits, positives, passes, negatives, error = (counts @ np.stack(per_patient, axis=1)).T
    images = positives + negatives
    false_alarms, misses = negatives - passes, positives - hits
    ranked = [name for name in names if name in _RANKED]
    steps = _steps(label, score, patients, counts) if ranked else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity, specificity = hits / positives, passes / negatives
        values = {
            **{name: _RANKED[name](*steps) for name in ranked},
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "accuracy": (hits + passes) / images,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "f1": 2 * hits / (2 * hits + false_alarms + misses),
            "brier": error / images,
        }
    weight = {0: negatives, 1: positives}
    for name in names:
        for needed in NEEDS[name]:
            values[name][weight[needed] == 0] = np.nan
    return {name: values[name] for name in names}


def _steps(
    label: np.ndarray, score: np.ndarray, patients: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of positives and of negatives at each distinct score, highest first, [R, U]."""
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
    weights = counts[:, patients[order]]
    positive = weights * label[order]
    return (
        np.add.reduceat(positive, starts, axis=1),
        np.add.reduceat(weights - positive, starts, axis=1),
    )


def _auroc(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Share of (positive, negative) pairs ranked rightly, ties counted half (Mann-Whitney)."""
    above = np.cumsum(positive, axis=1) - positive / 2
    return (above * negative).sum(1) / (positive.sum(1) * negative.sum(1))


def _average_precision(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Precision at each distinct score, weighted by the recall that the score adds."""
    found, flagged = np.cumsum(positive, axis=1), np.cumsum(positive + negative, axis=1)
    precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
    return (precision * positive).sum(1) / found[:, -1]


_RANKED = {"auroc": _auroc, "average_precision": _average_precision}


def draw_patients(patients: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each patient is drawn, float64 [R, P], in chunks that fit memory."""
    generator = np.random.default_rng(seed)
    number = int(patients.max()) + 1
    chunk = max(1, _CELLS // len(patients))
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = generator.multinomial(number, np.full(number, 1 / number), size=rows)
        yield drawn.astype(np.float64)


def estimate(value: float, resampled: np.ndarray, patients: int, lowest: float = 0.0) -> Estimate:
    """A metric with its interval over patients.

    Args:
        value: The metric in [`lowest`, 1]; NaN where it is undefined.
        resampled: Its values in resamples of the patients, NaN where it is undefined.
        patients: The fewest of a class that the metric needs; fewer than two give no interval, nor
            do resamples that are all alike.
        lowest: What the metric can be at least.
    """
    from scipy import special, stats

    if np.isnan(value):
        return Estimate(None)
    resampled = resampled[~np.isnan(resampled)]
    place = (value - lowest) / (1 - lowest)
    if patients < 2 or not len(resampled) or np.ptp(resampled) == 0 or not 0 < place < 1:
        return Estimate(float(value))
    error = resampled.std(ddof=1) / (1 - lowest) / (place * (1 - place))
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, patients - 1) * error
    low, high = special.expit(special.logit(place) + np.array([-reach, reach]))
    return Estimate(float(value), *(float(lowest + (1 - lowest) * end) for end in (low, high)))
