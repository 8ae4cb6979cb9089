"""Whether to act on a model is worth it: decision curves.

Vickers and Elkin, "Decision curve analysis: a novel method for evaluating prediction models",
Medical Decision Making 2006.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

THRESHOLDS = tuple(percent / 100 for percent in range(1, 100))


def net_benefit(
    label: np.ndarray, score: np.ndarray, thresholds: Sequence[float] = THRESHOLDS
) -> pd.DataFrame:
    """The share of images rightly treated, less the wrongly treated at the threshold's odds.

    Who treats from a probability of t takes (1 - t) / t wrong treatments for one right one.

    Args:
        label: 0 or 1 of each image, int [N].
        score: Probability of 1, float [N]; calibrated, else a threshold does not mean the odds.
        thresholds: Probabilities in [0, 1) from which one treats.

    Returns:
        A row for each threshold: `threshold`, and the net benefit of treating by the `model`,
        all (`treat_all`) and none (`treat_none`, 0).

    Raises:
        ValueError: A threshold is not in [0, 1).
    """
    least = np.asarray(thresholds, dtype=float)
    if not ((least >= 0) & (least < 1)).all():
        raise ValueError("a threshold probability is at least 0 and below 1")
    odds = least / (1 - least)
    treated = score >= least[:, None]
    positives = label.mean()
    return pd.DataFrame(
        {
            "threshold": least,
            "model": (treated & (label == 1)).mean(1) - odds * (treated & (label == 0)).mean(1),
            "treat_all": positives - odds * (1 - positives),
            "treat_none": 0.0,
        }
    )
