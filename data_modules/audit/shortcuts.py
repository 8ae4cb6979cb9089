"""How well a label or a source can be read from what an image should not need: its shortcuts.

Each group of measures is scored alone by a random forest, cross-validated by person, so that it
finds steps as well as slopes. An AUROC of 0.5 says nothing can be read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

FOLDS = 5
TREES = 100
RESAMPLED = 200
LEAST_PERSONS = 2 * FOLDS
MOST_CLASSES = 8
OF_SCANS = ("spacing", "window", "unit")
ALL = "all measures together"


class Shortcut(NamedTuple):
    """What one group of measures says of one class.

    Attributes:
        target: What is read: a class, or a source.
        group: The measures.
        auroc: Of out-of-fold scores over images.
        low: The lower end of its 95 % interval, resampled by person.
        high: The upper end.
    """

    target: str
    group: str
    auroc: float
    low: float
    high: float


def find_shortcuts(
    measures: pd.DataFrame,
    groups: Mapping[str, Sequence[str]],
    targets: Mapping[str, np.ndarray],
    persons: np.ndarray,
) -> list[Shortcut]:
    """Score each group of measures, and all together, on each target.

    Args:
        measures: One row per image; numbers, and text of which the commonest values count.
        groups: The columns of each group.
        targets: Of each class whether an image is of it, float [N], NaN where that is not known.
        persons: A number for each image's person, [N].

    Returns:
        The highest AUROC first. A target with fewer than `LEAST_PERSONS` persons on either side,
        and measures that are the same everywhere, are left out.
    """
    columns = {name: list(names) for name, names in groups.items()}
    columns |= {ALL: [name for names in columns.values() for name in names]}
    found = []
    for target, truth in targets.items():
        known = ~np.isnan(truth)
        people, labels = persons[known], truth[known] > 0
        if min(len(set(people[labels == side])) for side in (True, False)) < LEAST_PERSONS:
            continue
        for group, names in columns.items():
            numbers = _numbers(measures.loc[known, names])
            if numbers.shape[1] and np.ptp(numbers, axis=0).any():
                scores = _scores(numbers, labels, people)
                found.append(Shortcut(target, group, *_auroc(scores, labels, people)))
    return sorted(found, key=lambda one: -one.auroc)


def _numbers(table: pd.DataFrame) -> np.ndarray:
    """float32 [N, F], text as one column for each of its commonest values."""
    parts = []
    for _, column in table.items():
        if pd.api.types.is_numeric_dtype(column):
            parts.append(column.to_numpy(dtype=np.float32)[:, None])
        else:
            common = column.value_counts().index[:MOST_CLASSES]
            parts += [(column == value).to_numpy(dtype=np.float32)[:, None] for value in common]
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(table), 0), np.float32)


def _scores(numbers: np.ndarray, labels: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """Of each image the score of a forest that saw none of its person."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros(len(labels))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for seen, asked in folds.split(numbers, labels, persons):
        forest = RandomForestClassifier(
            TREES,
            min_samples_leaf=max(3, len(seen) // 200),
            class_weight="balanced",
            max_samples=min(len(seen), 2000),
            random_state=0,
        )
        forest.fit(numbers[seen], labels[seen])
        scores[asked] = forest.predict_proba(numbers[asked])[:, -1]
    return scores


def _auroc(
    scores: np.ndarray, labels: np.ndarray, persons: np.ndarray
) -> tuple[float, float, float]:
    from sklearn.metrics import roc_auc_score

    codes, names = pd.factorize(persons)
    random = np.random.default_rng(0)
    values = []
    for _ in range(RESAMPLED):
        times = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        weights = times[codes].astype(float)
        if weights[labels].any() and weights[~labels].any():
            values.append(roc_auc_score(labels, scores, sample_weight=weights))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(roc_auc_score(labels, scores)), float(low), float(high)
