"""What simple classifiers read from frozen features, by cross-validation grouped by person."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
NEIGHBOURS = 10
STRENGTH = 0.1
"""The inverse of the linear probe's regularisation, of standardised features."""


def probe(features: np.ndarray, labels: np.ndarray, persons: np.ndarray) -> dict[str, float]:
    """What k-NN (cosine) and a logistic regression reach on persons that they were not fitted to.

    Args:
        features: float [N, D].
        labels: int [N], the class of each image.
        persons: int [N]; no person is in two folds.

    Returns:
        `knn` and `linear`, the mean over the folds: AUROC of two classes, accuracy of more. Empty
        where a class is missing or has fewer than two persons.
    """
    classes = np.unique(labels)
    fewest = min(len(np.unique(persons[labels == one])) for one in classes) if len(classes) else 0
    if len(classes) < 2 or fewest < 2:
        return {}
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=0)
    found: dict[str, list[float]] = {"knn": [], "linear": []}
    for fitted, asked in folds.split(features, labels, persons):
        if not len(np.unique(labels[asked])) == len(np.unique(labels[fitted])) == len(classes):
            continue
        for name, model in _models(len(fitted)).items():
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                model.fit(features[fitted], labels[fitted])
            found[name].append(_score(model, features[asked], labels[asked]))
    return {name: float(np.mean(scores)) for name, scores in found.items() if scores}


def _models(images: int) -> dict[str, KNeighborsClassifier]:
    neighbours = min(NEIGHBOURS, images)
    return {
        "knn": KNeighborsClassifier(neighbours, metric="cosine", weights="distance"),
        "linear": make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=1000)),
    }


def _score(model: KNeighborsClassifier, features: np.ndarray, labels: np.ndarray) -> float:
    probabilities = model.predict_proba(features)
    if probabilities.shape[1] == 2:
        return float(roc_auc_score(labels, probabilities[:, 1]))
    return float(accuracy_score(labels, model.predict(features)))
