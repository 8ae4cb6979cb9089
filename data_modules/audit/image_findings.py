"""Findings of single images: unreadable, without contrast, of an odd size, without lungs."""

import numpy as np
import pandas as pd

from data_modules.audit.findings import IMAGE_COLUMNS, NOTE, WARNING, Finding
from data_modules.samples import Samples

LEAST_DEVIATION = 4.0
LEAST_ENTROPY = 1.5
DARK, LIGHT = 15.0, 240.0
ODD_AREA = 8.0
MOSTLY = 0.6


def image_findings(
    samples: Samples, measures: pd.DataFrame, boxed: np.ndarray | None
) -> list[Finding]:
    """What single images lack, as cleanvision asks it of photographs.

    Args:
        samples: The data set.
        measures: One row per image, as `data_modules.audit.measures` gives them, NaN for those
            that cannot be read.
        boxed: Which images have a box of their content (the lungs), bool [N]; None where no box
            was looked for. It is a finding only in a set where most images have one.
    """
    readable = measures["mean"].notna()
    plain = readable & (
        (measures["deviation"] < LEAST_DEVIATION) | (measures["entropy"] < LEAST_ENTROPY)
    )
    dim = readable & ~plain & ~measures["mean"].between(DARK, LIGHT)
    logarithms = measures["height"] + measures["width"]
    factor = (logarithms - logarithms.median()).map(np.exp).fillna(1.0)
    odd = (factor > ODD_AREA) | (factor < 1 / ODD_AREA)
    found = [
        _of_images(samples, ~readable, "unreadable", WARNING, "not readable; restore or remove"),
        _of_images(
            samples,
            plain,
            "no_contrast",
            WARNING,
            "hardly any contrast, so that nothing is shown; leave out",
            measures["deviation"].round(1).astype(str),
        ),
        _of_images(
            samples,
            dim,
            "dark_or_light",
            NOTE,
            f"the mean grey level is below {DARK:g} or above {LIGHT:g}; look at the window",
            measures["mean"].round(1).astype(str),
        ),
        _of_images(
            samples,
            odd,
            "odd_size",
            NOTE,
            f"more than {ODD_AREA:g} times the pixels of the median image, or less than an "
            f"{ODD_AREA:g}th: perhaps another kind of image",
            factor.round(2).astype(str),
        ),
    ]
    if boxed is not None and (boxed & readable).sum() > MOSTLY * max(int(readable.sum()), 1):
        text = "no lung field, which most others show: perhaps another organ, a figure or a chart"
        found.append(_of_images(samples, readable & ~boxed, "no_lungs", NOTE, text))
    return found


def _of_images(
    samples: Samples,
    which: pd.Series,
    kind: str,
    grade: str,
    text: str,
    value: pd.Series | str = "",
) -> Finding:
    rows = samples.table.assign(value=value)[which.to_numpy()][list(IMAGE_COLUMNS)]
    what = "image" if len(rows) == 1 else "images"
    return Finding(kind, grade, len(rows), what, text, rows.reset_index(drop=True))
