"""Metrics of a diagnosis of three classes and more, with intervals resampled by patient.

The machinery is that of `matl.evaluation.metrics`. An image is called by its likeliest class. A
class's sensitivity, specificity and AUROC are of that class against the rest; the balanced accuracy
is the mean of the sensitivities, the macro AUROC that of the AUROCs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matl.evaluation.metrics import (
    RESAMPLES,
    Estimate,
    check_probabilities,
    draw_patients,
    estimate,
    fewest_patients,
    metric_values,
    patient_codes,
    require_one_split,
    take_columns,
)

CLASS = "class"
PROBABILITY = "score_"
"""Begins the name of each class's column."""
CLASS_METRICS = {
    "auroc": "Macro AUROC",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
}
KAPPA = {"quadratic_kappa": "Quadratic kappa"}
LOWEST: Mapping[str | tuple[int, str], float] = {"quadratic_kappa": -1.0}
"""What a metric can be at least, where that is not 0."""
ONE_CLASS = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "auroc": "AUROC against the rest",
}
_COLUMNS = ("image", "patient", "source", "split", CLASS)
_TOLERANCE = 1e-4
Values = dict[str | tuple[int, str], np.ndarray]


@dataclass(frozen=True)
class ClassResult:
    """What a model is worth for one class against the rest.

    Attributes:
        name: The class.
        images: How many images are of it.
        patients: How many patients they are of.
        metrics: An estimate for each name in `ONE_CLASS`.
    """

    name: str
    images: int
    patients: int
    metrics: dict[str, Estimate]


def check_class_scores(scores: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Checks the scores of a multi-class diagnosis before anything is computed from them.

    Args:
        scores: One row an image: `image` (text, path relative to the data root), `patient`,
            `source`, `split` (text), `class` (its true class by name), for each class a column
            `score_<class>` (its probability) and, where studies are known, `study`.
        classes: Their names.

    Returns:
        A copy with these columns only, in the order of the classes, fresh index, scores float64.

    Raises:
        ValueError: Where a column is missing, a class is unknown, a score is out of range or not a
            number, a row does not add up to 1, an image is listed twice, or its path is absolute.
    """
    columns = [PROBABILITY + name for name in classes]
    table = take_columns(scores, [*_COLUMNS, *columns])
    unknown = table[CLASS][~table[CLASS].isin(list(classes))]
    if len(unknown):
        raise ValueError(f"the scores' class {unknown.iloc[0]!r} is none of {', '.join(classes)}")
    for column in columns:
        check_probabilities(table, column)
    table = table.astype(dict.fromkeys(columns, np.float64))
    apart = (table[columns].sum(axis=1) - 1).abs() > _TOLERANCE
    if apart.any():
        raise ValueError(f"the scores of {table['image'][apart].iloc[0]} do not add up to 1")
    return table


def class_columns(
    label: np.ndarray, scores: np.ndarray, classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """The columns that `check_class_scores` asks for beside those that say what an image is.

    Args:
        label: The class's number of each image, int [N].
        scores: Probabilities, float [N, K].
        classes: Their names.
    """
    columns = {PROBABILITY + name: scores[:, at] for at, name in enumerate(classes)}
    return {CLASS: np.array(classes, dtype=object)[label], **columns}


def labels_and_scores(table: pd.DataFrame, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Each image's class as its number, int64 [N], and its probabilities, float64 [N, K]."""
    place = {name: number for number, name in enumerate(classes)}
    label = table[CLASS].map(place).to_numpy(dtype=np.int64)
    return label, table[[PROBABILITY + name for name in classes]].to_numpy(dtype=np.float64)


def confusion_counts(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """How many images of each class (rows) were called each class (columns), int64 [K, K]."""
    label, scores = labels_and_scores(table, classes)
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (label, scores.argmax(1)), 1)
    return counts


def summarise_classes(
    scores: pd.DataFrame,
    classes: Sequence[str],
    ordered: bool,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[dict[str, Estimate], list[ClassResult]]:
    """Computes every metric with its 95 % interval over patients.

    A resample that lacks a class is left out of the intervals of the metrics that need it.

    Args:
        scores: As in `check_class_scores`, of one split.
        classes: Their names; where they are ordered, in that order.
        ordered: Whether there is a quadratic weighted kappa.
        resamples: How many times the patients are drawn.
        seed: Of the draws; the same seed and patients give the same draws for every model.

    Returns:
        An estimate for each name in `CLASS_METRICS` (and `KAPPA`), and the result of each class.

    Raises:
        ValueError: Where the scores are invalid, empty, or of several splits.
    """
    table = check_class_scores(scores, classes)
    require_one_split(table)
    patients = patient_codes(table)
    label, probabilities = labels_and_scores(table, classes)
    data = label, probabilities, patients
    values = class_values(*data, np.ones((1, patients.max() + 1)))
    draws = [class_values(*data, counts) for counts in draw_patients(patients, resamples, seed)]
    fewest = _fewest(label, patients, len(classes))

    def interval(key: str | tuple[int, str]) -> Estimate:
        resampled = np.concatenate([draw[key] for draw in draws]) if draws else np.empty(0)
        return estimate(values[key][0], resampled, fewest[key], LOWEST.get(key, 0.0))

    metrics = {name: interval(name) for name in (*CLASS_METRICS, *(KAPPA if ordered else ()))}
    parts = [
        ClassResult(
            name,
            int((label == number).sum()),
            len(np.unique(patients[label == number])),
            {metric: interval((number, metric)) for metric in ONE_CLASS},
        )
        for number, name in enumerate(classes)
    ]
    return metrics, parts


def class_values(
    label: np.ndarray, scores: np.ndarray, patients: np.ndarray, counts: np.ndarray
) -> Values:
    """Computes all metrics for several weightings of the patients.

    Args:
        label: The class's number of each image of one split, int64 [N].
        scores: Probabilities, float64 [N, K].
        patients: The patient of each image, int64 [N] in 0..P-1.
        counts: How often each patient is counted, [R, P], a row for each resample.

    Returns:
        float64 [R] for each metric by its name, and for each metric of a class by the class's
        number and the name; NaN where it is undefined.
    """
    classes = scores.shape[1]
    cells = np.zeros((counts.shape[1], classes, classes))
    np.add.at(cells, (patients, label, scores.argmax(1)), 1)
    matrix = np.tensordot(counts, cells, 1)
    right, images = np.diagonal(matrix, axis1=1, axis2=2), matrix.sum((1, 2))
    of_class, called = matrix.sum(2), matrix.sum(1)
    rest = images[:, None] - of_class
    with np.errstate(divide="ignore", invalid="ignore"):
        sensitivity = right / of_class
        specificity = (rest - called + right) / rest
        values: Values = {
            "balanced_accuracy": sensitivity.mean(1),
            "accuracy": right.sum(1) / images,
            "quadratic_kappa": quadratic_kappa(matrix),
        }
    for number in range(classes):
        own = (label == number).astype(np.int64)
        ranked = metric_values(own, scores[:, number], patients, counts, ("auroc",))
        values[number, "auroc"] = ranked["auroc"]
        values[number, "sensitivity"] = sensitivity[:, number]
        values[number, "specificity"] = specificity[:, number]
    aurocs = [values[number, "auroc"] for number in range(classes)]
    return values | {"auroc": np.mean(aurocs, axis=0)}


def quadratic_kappa(matrix: np.ndarray) -> np.ndarray:
    """Cohen's kappa with quadratic weights, NaN where every image is of and called one class.

    Args:
        matrix: Confusion matrices, the true classes in rows, in their order, float [R, K, K].
    """
    place = np.arange(matrix.shape[1])
    distance = (place[:, None] - place[None]) ** 2
    expected = matrix.sum(2)[:, :, None] * matrix.sum(1)[:, None, :]
    by_chance = (distance * expected).sum((1, 2)) / matrix.sum((1, 2))
    return 1 - (distance * matrix).sum((1, 2)) / by_chance


def _fewest(
    label: np.ndarray, patients: np.ndarray, classes: int
) -> Mapping[str | tuple[int, str], int]:
    """The number of patients of the rarest class that each metric needs."""
    found: dict[str | tuple[int, str], int] = {
        (number, metric): fewest_patients((label == number).astype(np.int64), patients, metric)
        for number in range(classes)
        for metric in ONE_CLASS
    }
    rarest = min(found[number, "sensitivity"] for number in range(classes))
    every = fewest_patients(label, patients, "accuracy")
    return found | {
        "auroc": rarest,
        "balanced_accuracy": rarest,
        "accuracy": every,
        "quadratic_kappa": every,
    }
