"""Which way a patient lies: where the spine is, and whether a field reaches the back."""

import numpy as np
from scipy import ndimage

from matl.lung_fields.masks import Grey, Mask, Sides, levels, opened

BONE_SHARE, WHITE = 0.2, 250
SPINE_WIDTH, END, BEYOND = 0.22, 0.10, 0.35  # shares of the lungs' half width
MUCH_BONE, LITTLE_BONE = 0.004, 0.0015  # shares of the lungs' half width, squared
SHORTEST = 0.7
NEAR_MIDDLE, THIRD = 0.3, 0.3
LEAST_REACH = 0.6


def spine_on_top(sides: Sides, smooth: Grey) -> bool:
    """Whether the patient lies prone: bone above the lungs' upper end in the middle, none below.

    Then the heart lies low, so that the lungs come close to each other at their upper end. What
    cannot be decided (one lung, a window where bone is as white as muscle) is supine.
    """
    lung = sides > 0
    if not {1, 2} <= set(np.unique(sides)):
        return False
    rows, columns = (np.flatnonzero(lung.any(axis=axis)) for axis in (1, 0))
    top, bottom = int(rows[0]), int(rows[-1])
    half = (columns[-1] - columns[0]) / 2
    air, body = levels(lung, smooth)
    bone = body + BONE_SHARE * (body - air)
    if bone >= WHITE or bottom - top < SHORTEST * half:
        return False
    y, x = np.indices(lung.shape)
    middle = np.abs(x - (columns[0] + columns[-1]) / 2)
    spine = (smooth > bone) & (middle < SPINE_WIDTH * half)
    above = spine & (y > top - BEYOND * half) & (y < top + END * half)
    below = spine & (y < bottom + BEYOND * half) & (y > bottom - END * half)
    third = THIRD * (bottom - top)
    central = middle < NEAR_MIDDLE * half
    upper = float(lung[central & (y >= top) & (y <= top + third)].mean())
    lower = float(lung[central & (y <= bottom) & (y >= bottom - third)].mean())
    return bool(
        above.sum() > MUCH_BONE * half**2
        and below.sum() < LITTLE_BONE * half**2
        and lower + 0.08 < upper < 0.4
        and lower < 0.25
    )


def reaches_back(lung: Mask, smooth: Grey) -> bool:
    """Whether a field ends in the back of the body, where lungs end and bowel does not."""
    body = opened((smooth > sum(levels(lung, smooth)) / 2) | lung, 2)
    labels, _ = ndimage.label(body)
    sizes = np.bincount(labels[lung], minlength=2)
    rows = np.flatnonzero((labels == sizes[1:].argmax() + 1).any(axis=1))
    if rows.size == 0:
        return False
    low = np.flatnonzero(lung.any(axis=1))[-1]
    return bool(low - rows[0] > LEAST_REACH * (rows[-1] - rows[0]))
