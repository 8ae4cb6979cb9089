"""The floor: what grey levels and image size alone say about the label.

A model that does not beat it may have learned the scanner, the window or the figure that an image
was cut from. It is shown as a row of every table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matl.evaluation.class_metrics import check_class_scores, class_columns
from matl.evaluation.metrics import COLUMNS, patient_codes

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

FLOOR_VERSION = 3
"""Raised whenever the same images and labels may give another floor."""

FEATURES = ("mean", "standard deviation", "white share", "black share", "log height", "log width")
WHITE = 250
BLACK = 5
STRENGTHS = tuple(10.0**power for power in range(-3, 4))
FOLDS = 5


@dataclass(frozen=True)
class Floor:
    """A fitted floor: a logistic regression on standardised `FEATURES`, softmax over classes.

    Attributes:
        means: Of each feature over the training images.
        deviations: Their standard deviations.
        weights: Of the standardised features, [6]; of several classes [6, K].
        bias: Added to their weighted sum; of several classes [K].
    """

    means: list[float]
    deviations: list[float]
    weights: list[float] | list[list[float]]
    bias: float | list[float]

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Probabilities of the positive class, float64 [N], of features [N, 6].

        Of several classes float64 [N, K], 1 in sum.
        """
        standard = (features - np.array(self.means)) / np.array(self.deviations)
        logits = standard @ np.array(self.weights) + self.bias
        if logits.ndim == 2:
            return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        return np.exp(-np.logaddexp(0, -logits))


def fit_floor(
    table: pd.DataFrame, features: np.ndarray, labels: np.ndarray, classes: int = 2, seed: int = 0
) -> Floor:
    """Fits the floor on the labelled training rows.

    Features are standardised and the regularisation is chosen by cross-validation grouped by
    patient; both see labelled training rows only.

    Args:
        table: N rows with the text columns `patient`, `source` and `split` ("train", "val" or
            "test").
        features: float [N, 6] as `grey_features` computes them.
        labels: int [N]: 1 positive class, 0 negative, -1 unlabelled (left out); of several classes
            the class's number.
        classes: How many there are.
        seed: Of the cross-validation's folds.

    Raises:
        ValueError: Where the arrays' lengths differ or the training rows are not of every class.
    """
    labels = np.asarray(labels)
    if not len(table) == len(features) == len(labels):
        raise ValueError("the floor needs as many features and labels as the table has rows")
    fit = (labels >= 0) & (table["split"] == "train").to_numpy()
    if len(np.unique(labels[fit])) != classes:
        raise ValueError("the floor needs labelled training images of every class")
    scaler, regression = _fit(features[fit], labels[fit], patient_codes(table[fit]), seed)
    several = classes > 2
    return Floor(
        scaler.mean_.tolist(),
        scaler.scale_.tolist(),
        (regression.coef_.T if several else regression.coef_[0]).tolist(),
        (regression.intercept_ if several else regression.intercept_[0]).tolist(),
    )


def floor_scores(
    floor: Floor,
    table: pd.DataFrame,
    features: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str] = (),
) -> pd.DataFrame:
    """Scores the validation and test images.

    Args:
        floor: What scores them.
        table: N rows with the text columns `path` (relative to the data root), `patient`,
            `source` and `split`.
        features: float [N, 6] as `grey_features` computes them.
        labels: int [N]: 1 positive class, 0 negative, -1 unlabelled (left out); of several classes
            the class's number.
        classes: The names of several classes; empty for two.

    Returns:
        Scores as in `matl.evaluation.metrics.check_scores` for the labelled val and test rows, in
        the table's order; of several classes as in
        `matl.evaluation.class_metrics.check_class_scores`.
    """
    labels = np.asarray(labels)
    asked = (labels >= 0) & (table["split"] != "train").to_numpy()
    scores = floor.scores(features[asked])
    result = table[asked].rename(columns={"path": "image"}).reset_index(drop=True)
    if classes:
        result = result.assign(**class_columns(labels[asked], scores, classes))
        return check_class_scores(result, classes)
    result["label"] = labels[asked].astype(np.int64)
    result["score"] = scores
    return result.loc[:, list(COLUMNS)]


def grey_features(images: Iterable[np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """Computes `FEATURES` of each image.

    Args:
        images: N images, uint8 [C, h, w].
        sizes: Original height and width in pixels, int [N, 2].

    Returns:
        float64 [N, 6]: mean and standard deviation in grey levels (0 to 255), the shares of pixels
        of at least 250 and of at most 5, and the natural logarithms of height and width.
    """
    levels = np.array([_grey_levels(image) for image in images])
    return np.hstack([levels, np.log(np.asarray(sizes, dtype=np.float64))])


def _grey_levels(image: np.ndarray) -> tuple[float, ...]:
    white, black = (image >= WHITE).mean(), (image <= BLACK).mean()
    return image.mean(dtype=np.float64), image.std(dtype=np.float64), white, black


def _fit(features: np.ndarray, labels: np.ndarray, patients: np.ndarray, seed: int) -> "Pipeline":
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = _folds(labels, patients, seed)
    if not folds:
        return model.fit(features, labels)
    strengths = {"logisticregression__C": STRENGTHS}
    search = GridSearchCV(model, strengths, cv=folds, scoring="neg_log_loss")
    return search.fit(features, labels).best_estimator_


def _folds(
    labels: np.ndarray, patients: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits by patient with every class on both sides; empty where patients are too few."""
    from sklearn.model_selection import StratifiedGroupKFold

    known = np.unique(labels)
    number = min(FOLDS, *(len(np.unique(patients[labels == one])) for one in known))
    if number < 2:
        return []
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    folds = splitter.split(labels, labels, patients)
    return [
        fold for fold in folds if all(len(np.unique(labels[side])) == len(known) for side in fold)
    ]
