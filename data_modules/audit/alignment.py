"""Whether two images show the same: one is laid onto a part of the other, and they are correlated.

The correlation is that of bounded gradients, so that another window of grey levels, arrows or
letters change it little. Where the images only overlap, the overlap is compared.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from data_modules.audit.keypoints import bounded_gradients

SIDE = 96
"""Of the previews that are compared: images stretched to a square."""
GRID = 48
LEAST_OVERLAP = 0.35
STEP = 0.04
EVALUATIONS = 140


class Frame(NamedTuple):
    """Where a second image lies on a first one, in shares of the first one's height and width."""

    top: float
    bottom: float
    left: float
    right: float


WHOLE = Frame(0.0, 1.0, 0.0, 1.0)


def agreement(first: np.ndarray, second: np.ndarray, frame: Frame) -> float:
    """How well the second preview agrees with what the first one shows in a frame, -1 to 1.

    Args:
        first: uint8 or float [SIDE, SIDE].
        second: The same.
        frame: May reach beyond the first image; 0 where too little overlaps.
    """
    return _agreement(first.astype(np.float32), _gradients(second), frame)


def align(first: np.ndarray, second: np.ndarray, start: Frame) -> tuple[float, Frame]:
    """Move a frame until the images agree best (Nelder and Mead 1965).

    Args:
        first: uint8 or float [SIDE, SIDE].
        second: The same.
        start: About where the second lies.

    Returns:
        The agreement, and the frame.
    """
    ground, gradients = first.astype(np.float32), _gradients(second)
    moves = STEP * np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, -1, 0, 0], [0, 0, 1, -1]])
    simplex = np.vstack([np.zeros(4), moves]) + np.array(start)
    found = minimize(
        lambda corners: -_agreement(ground, gradients, corners),
        np.array(start),
        method="Nelder-Mead",
        options={
            "initial_simplex": simplex,
            "maxfev": EVALUATIONS,
            "xatol": 2e-3,
            "fatol": 1e-3,
        },
    )
    return -float(found.fun), Frame(*found.x.tolist())


def _gradients(preview: np.ndarray) -> np.ndarray:
    rows, _ = _sampling(0.0, 1.0)
    return bounded_gradients(rows @ preview.astype(np.float32) @ rows.T)


def _agreement(first: np.ndarray, gradients: np.ndarray, frame: Frame | np.ndarray) -> float:
    top, bottom, left, right = frame
    if bottom - top < STEP or right - left < STEP:
        return 0.0
    (down, rows), (across, columns) = _sampling(top, bottom), _sampling(left, right)
    rows, columns = rows[1:] & rows[:-1], columns[1:] & columns[:-1]
    if rows.mean() * columns.mean() < LEAST_OVERLAP:
        return 0.0
    seen = np.ix_((True, True), rows, columns)
    ours = bounded_gradients(down @ first @ across.T)[seen]
    theirs = gradients[seen]
    lengths = np.sqrt((ours * ours).sum() * (theirs * theirs).sum())
    return float((ours * theirs).sum() / max(lengths, 1e-6))


def _sampling(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """What samples `GRID` points of an interval of a side, [GRID, SIDE]; which lie on the image."""
    at = low + (high - low) * (np.arange(GRID) + 0.5) / GRID
    reach = max((high - low) * SIDE / GRID, 1.0)
    distances = np.abs((at * SIDE - 0.5)[:, None] - np.arange(SIDE))
    weights = np.maximum(0, 1 - distances / reach)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    return weights.astype(np.float32), (at > 0) & (at < 1)
