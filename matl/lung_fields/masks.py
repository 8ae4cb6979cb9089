"""Masks of a working image, and the discs that open and close them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

LARGEST_HOLE = 0.03

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]
Sides = NDArray[np.uint8]
"""0 outside the lungs, 1 in the lung on the image's left, 2 in that on its right."""


def opened(mask: Mask, radius: float) -> Mask:
    """Without what a disc does not fit into; what touches the image's border continues beyond."""
    if mask.all():
        return mask
    kept = ndimage.distance_transform_edt(mask) > radius
    return within(kept, radius) if kept.any() else kept


def closed(mask: Mask, radius: int) -> Mask:
    """With the gaps that a disc does not fit into, and with holes smaller than a liver's dome."""
    if not mask.any():
        return mask
    wide = within(np.pad(mask, radius + 1), radius)
    shrunk = ndimage.distance_transform_edt(wide) > radius
    inner = (slice(radius + 1, -radius - 1),) * 2
    whole: Mask = np.asarray(shrunk[inner])
    holes, _ = ndimage.label(ndimage.binary_fill_holes(whole) & ~whole)
    small = np.bincount(holes.ravel()) < LARGEST_HOLE * mask.size
    small[0] = False
    return whole | small[holes]


def within(mask: Mask, distance: float) -> Mask:
    """All that is at most so many pixels away from a mask that is not empty."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= distance)


def both(left: Mask, right: Mask) -> Sides:
    """Two lungs as sides; where both are, the left."""
    return np.where(left, 1, np.where(right, 2, 0)).astype(np.uint8)


def turned(sides: Sides) -> Sides:
    """The sides of an image turned by 180 degrees: what was left is right."""
    return np.array([0, 2, 1], dtype=np.uint8)[np.rot90(sides, 2)]


def levels(lung: Mask, smooth: Grey) -> tuple[float, float]:
    """The grey value of the lungs' air, and that of the body close around them."""
    around = ndimage.binary_dilation(lung, iterations=8) & ~ndimage.binary_dilation(
        lung, iterations=2
    )
    air = float(np.median(smooth[lung]))
    return air, float(np.median(smooth[around])) if around.any() else air
