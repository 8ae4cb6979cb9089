"""The rib cage around two lungs: a superellipse that their outer edge touches from within.

Disease makes a lung's outer edge lie further in, never further out. The curve is therefore fitted
with little weight on points inside of it, and bridges the edges that are lost.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from matl.lung_fields.masks import Mask, Sides

INSIDE_WEIGHT, TOLERANCE = 0.22, 2.0
LATERAL = 0.35  # share of the half width that is no outer edge
USUAL_POWER, USUAL_ASPECT = 2.2, 0.75
EVERY, COARSE = 3, 1e-3
FEWEST_POINTS, CLOSE, LEAST_CLOSE = 10, 1.5, 0.4

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Cage:
    """A superellipse in pixels of a working image.

    Attributes:
        curve: Centre's column and row, half width, half depth, power, and turn in radians.
        shape: Of the image, [H, W].
        close: Share of the lungs' outer edge that lies on the curve.
    """

    curve: Points
    shape: tuple[int, int]
    close: float

    @cached_property
    def distance(self) -> Points:
        """Of each pixel to the curve, negative inside, [H, W]."""
        y, x = np.indices(self.shape)
        return distance(self.curve, x, y)

    @cached_property
    def across(self) -> Points:
        """Columns to the right of the centre as shares of the half width, [1, W]."""
        return ((np.arange(self.shape[1]) - self.curve[0]) / self.curve[2])[None, :]

    @cached_property
    def down(self) -> Points:
        """Rows below the centre as shares of the half depth, [H, 1]."""
        return ((np.arange(self.shape[0]) - self.curve[1]) / self.curve[3])[:, None]

    @cached_property
    def beside_spine(self) -> Mask:
        """All but mediastinum, spine and the muscles along it, which widen to the back."""
        return np.asarray(np.abs(self.across) > 0.25 + 0.3 * np.clip(self.down - 0.5, 0, 0.5))


def fit_cage(sides: Sides) -> Cage | None:
    """The cage around two lungs; none where too little of their edge would lie on it."""
    points = outer_edge(sides)[::EVERY]
    if len(points) < FEWEST_POINTS:
        return None
    x, y = points.T
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2

    def misfit(curve: Points) -> Points:
        to_curve = distance(curve, x, y)
        to_usual = (
            4 * (curve[4] - USUAL_POWER),
            20 * curve[5],
            3 * (curve[3] / curve[2] - USUAL_ASPECT),
            curve[0] - middle[0],
            curve[2] - half[0],
        )
        weight = np.where(to_curve > 0, 1, INSIDE_WEIGHT)
        return np.append(weight * softened(to_curve), to_usual)

    least = [*(middle - 40), 10, 10, 1.8, -0.3]
    most = [*(middle + 40), 120, 120, 2.6, 0.3]
    start = np.clip([*middle, *half, USUAL_POWER, 0], least, most)
    curve = least_squares(misfit, start, bounds=(least, most), ftol=COARSE, xtol=COARSE).x
    close = float(np.mean(np.abs(distance(curve, x, y)) < CLOSE))
    height, width = sides.shape
    return Cage(curve, (height, width), close) if close > LEAST_CLOSE else None


def softened(distances: Points) -> Points:
    """Distances whose squares grow like the distances where these are large (Charbonnier)."""
    squares = 2 * (np.sqrt(1 + (distances / TOLERANCE) ** 2) - 1)
    return np.asarray(np.sign(distances) * np.sqrt(squares))


def distance(curve: Points, x: NDArray[np.generic], y: NDArray[np.generic]) -> Points:
    """About how far places lie from the curve, negative inside."""
    column, row, half_width, half_depth, power, turn = curve
    right, down = x - column, y - row
    right, down = (
        right * np.cos(turn) + down * np.sin(turn),
        down * np.cos(turn) - right * np.sin(turn),
    )
    scale = (np.abs(right / half_width) ** power + np.abs(down / half_depth) ** power) ** (
        1 / power
    )
    return np.asarray((scale - 1) * np.hypot(right, down) / np.maximum(scale, 0.1))


def outer_edge(sides: Sides) -> Points:
    """Points of the lateral and the lower edge: column and row, [P, 2].

    None lies on the image's border, where the lung may have been cut off, nor near the middle.
    """
    height, width = sides.shape
    used = np.flatnonzero(sides.any(axis=0))
    middle, half = (used[0] + used[-1]) / 2, (used[-1] - used[0]) / 2
    lateral = np.abs(np.arange(width) - middle) > LATERAL * half
    rows = np.flatnonzero((sides == 1).any(axis=1))
    left = np.stack([(sides[rows] == 1).argmax(axis=1) - 0.5, rows], axis=1)
    left = left[left[:, 0] > 0]
    rows = np.flatnonzero((sides == 2).any(axis=1))
    right = np.stack([width - 0.5 - (sides[rows, ::-1] == 2).argmax(axis=1), rows], axis=1)
    right = right[right[:, 0] < width - 1]
    columns = np.flatnonzero(sides.any(axis=0) & lateral)
    low = np.stack([columns, height - 0.5 - (sides[::-1, columns] > 0).argmax(axis=0)], axis=1)
    beside = np.concatenate([left, right])
    beside = beside[np.abs(beside[:, 0] - middle) > LATERAL * half]
    return np.concatenate([beside, low[low[:, 1] < height - 1]])
