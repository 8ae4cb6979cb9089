"""Places in an image that are found again in a copy of it, however that was cropped.

These are the extrema of differences of Gaussians over places and scales (Lowe, "Distinctive Image
Features from Scale-Invariant Keypoints", IJCV 2004); what is around one is described by the
gradients of an upright patch of its own scale, as scans are not turned by odd angles. A gradient's
length is bounded by the mean one of its patch, so that a window of grey levels changes little.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

AREA = 112**2
"""Pixels of the image in which keypoints are looked for, at its own aspect."""
LEAST_SIDE = 16
SCALES = 2.0 * 2.0 ** (np.arange(8) / 3)
"""Standard deviations of the Gaussians, in pixels of that image."""
MOST = 40
PATCH = 8
REACH = 6.0
"""Half the side of a patch, in standard deviations."""
NUMBERS = 2 * (PATCH - 1) ** 2
FAINT = 1e-3


class Keypoints(NamedTuple):
    """The keypoints of an image, the most distinct first.

    Attributes:
        places: float32 [K, 4]: row and column, and the scale along both, as shares of the image's
            height and width.
        patches: What is around each, float16 [K, NUMBERS], rows of length 1.
    """

    places: np.ndarray
    patches: np.ndarray


def keypoints(grey: np.ndarray) -> Keypoints:
    """Find at most `MOST` keypoints.

    Args:
        grey: An image, uint8 [H, W].
    """
    picture = _reduced(grey)
    blurred = np.stack([ndimage.gaussian_filter(picture, scale) for scale in SCALES])
    levels, rows, columns = _extrema(np.diff(blurred, axis=0))
    scales = SCALES[levels]
    height, width = picture.shape
    sides = (height, width, height, width)
    places = np.stack([rows + 0.5, columns + 0.5, scales, scales], axis=1) / sides
    patches = np.zeros((len(levels), NUMBERS), dtype=np.float16)
    for level in np.unique(levels):
        own = levels == level
        patches[own] = _patches(blurred[level], rows[own], columns[own], SCALES[level])
    return Keypoints(places.astype(np.float32), patches)


def mirrored(patches: np.ndarray) -> np.ndarray:
    """The patches [K, NUMBERS] of the same places in the mirrored image."""
    shape = (-1, 2, PATCH - 1, PATCH - 1)
    turned = patches.reshape(shape)[..., ::-1] * np.array([1, -1], patches.dtype)[:, None, None]
    return turned.reshape(len(patches), NUMBERS)


def bounded_gradients(pictures: np.ndarray) -> np.ndarray:
    """Steps down and to the right of pictures [..., h, w], float32 [..., 2, h - 1, w - 1].

    Each is shortened the more, the longer it is beside the mean one of its picture.
    """
    down = pictures[..., 1:, :-1] - pictures[..., :-1, :-1]
    right = pictures[..., :-1, 1:] - pictures[..., :-1, :-1]
    lengths = np.hypot(down, right)
    bounds = lengths + lengths.mean(axis=(-1, -2), keepdims=True) + FAINT
    return np.stack([down / bounds, right / bounds], axis=-3)


def _reduced(grey: np.ndarray) -> np.ndarray:
    height, width = grey.shape
    factor = np.sqrt(AREA / (height * width))
    size = [max(LEAST_SIDE, round(side * factor)) for side in (width, height)]
    way = Image.Resampling.BOX if factor < 0.6 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(grey).resize(size, way), dtype=np.float32)


def _extrema(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level, row and column of the strongest extrema of [levels, H, W], each int64 [K]."""
    top, bottom = ndimage.maximum_filter(steps, 3), ndimage.minimum_filter(steps, 3)
    found = ((steps == top) | (steps == bottom)) & (np.abs(steps) > FAINT)
    found[[0, -1]] = False
    places = np.nonzero(found)
    strongest = np.argsort(-np.abs(steps[places]), kind="stable")[:MOST]
    return places[0][strongest], places[1][strongest], places[2][strongest]


def _patches(
    blurred: np.ndarray, rows: np.ndarray, columns: np.ndarray, scale: float
) -> np.ndarray:
    steps = (np.arange(PATCH) - (PATCH - 1) / 2) * (2 * REACH / PATCH) * scale
    down = rows[:, None, None] + steps[None, :, None]
    right = columns[:, None, None] + steps[None, None, :]
    at = np.broadcast_arrays(down, right)
    pixels = ndimage.map_coordinates(blurred, at, order=1, mode="nearest")
    patches = bounded_gradients(pixels).reshape(len(rows), NUMBERS)
    return patches / np.maximum(np.linalg.norm(patches, axis=1, keepdims=True), 1e-6)
