"""Sets of classes that hold the true one for a stated share of persons: split conformal prediction.

Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005; Angelopoulos and Bates,
"A gentle introduction to conformal prediction", https://arxiv.org/abs/2107.07511. Images of a
person err together, so a person is what is exchanged: by its least conforming image.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from matl.evaluation.metrics import CONFIDENCE

_DIGITS = 9  # of a product that is rounded up: 0.7 * 10 is a little more than 7


@dataclass(frozen=True)
class ConformalSets:
    """Which classes are possible, fitted on persons that the model was not trained on.

    Attributes:
        coverage: The share of new persons, in (0, 1), all of whose images are to have their class
            in their sets.
        persons: How many it was fitted on.
        largest: The largest non-conformity, 1 minus a class's probability, that is possible.
    """

    coverage: float
    persons: int
    largest: float

    def possible(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether each class is possible, bool [N, K], of probabilities float [N, K]."""
        return 1 - probabilities <= self.largest

    def interval(self) -> tuple[float, float]:
        """Where the coverage over many new persons lies for 95 % of such sets of persons.

        It varies with who they happen to be, as Beta(k, n + 1 - k) of n persons and the k-th
        smallest non-conformity (Vovk, "Conditional validity of inductive conformal predictors",
        https://arxiv.org/abs/1209.2673).
        """
        from scipy import special

        place = _place(self.persons, self.coverage)
        tail = (1 - CONFIDENCE) / 2
        low, high = special.betaincinv(place, self.persons + 1 - place, [tail, 1 - tail])
        return float(low), float(high)


def fit_conformal(
    label: np.ndarray, probabilities: np.ndarray, persons: np.ndarray, coverage: float
) -> ConformalSets:
    """Finds the non-conformity that at least the wanted share of new persons stay below.

    Args:
        label: The class of each image, int [N].
        probabilities: Of each class, float [N, K].
        persons: The person of each image, [N].
        coverage: The wanted share, in (0, 1).

    Raises:
        ValueError: There are too few persons for it.
    """
    own = 1 - probabilities[np.arange(len(label)), label]
    worst = np.sort(pd.Series(own).groupby(persons).max().to_numpy())
    place = _place(len(worst), coverage)
    if place > len(worst):
        raise ValueError(
            f"needs the validation scores of at least {fewest_persons(coverage)} persons, and "
            f"there are {len(worst)}"
        )
    return ConformalSets(coverage, len(worst), float(worst[place - 1]))


def fewest_persons(coverage: float) -> int:
    """How many persons a coverage in (0, 1) needs."""
    return ceil(round(coverage / (1 - coverage), _DIGITS))


def _place(persons: int, coverage: float) -> int:
    """Which of the persons' non-conformities bounds the sets, from 1 for the smallest."""
    return ceil(round((persons + 1) * coverage, _DIGITS))
