"""Means over images with intervals over patients."""

import numpy as np
import pandas as pd

from matl.evaluation.metrics import CONFIDENCE, RESAMPLES, Estimate, draw_patients, patient_codes


def mean_by_patient(
    values: pd.Series, table: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The mean over images, with its 95 % percentile interval over resampled patients.

    Args:
        values: one an image; an image without a value (NaN) is left out.
        table: the images, with the same index; the columns `source` and `patient`.
        resamples: how many times the patients are drawn.
        seed: of the draws.

    Returns:
        A value of None where no image has one; no interval where fewer than two patients have.
    """
    kept = values.dropna().astype(float)
    if kept.empty:
        return Estimate(None)
    patients = patient_codes(table.loc[kept.index])
    sums, images = np.bincount(patients, kept), np.bincount(patients)
    if len(images) < 2:
        return Estimate(float(kept.mean()))
    means = np.concatenate(
        [(counts @ sums) / (counts @ images) for counts in draw_patients(patients, resamples, seed)]
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(float(kept.mean()), float(low), float(high))
