"""Dense lung: what disease has made as light as the body, added to the air of the lungs.

Ground glass is darker than fat and grows from the air by a second threshold. Consolidation is as
light as the body: it is filled from a lung outwards, to the lung's own hull and to the rib cage,
on the lateral and the posterior side and never towards the mediastinum. What lies between a lung
and the cage is taken for lung only if some of it is dark, or if the lung beside it is diseased and
falls short of the cage along its lateral or posterior edge, where a healthy lung touches it.
"""

import numpy as np
from scipy import ndimage
from skimage.morphology import convex_hull_image

from matl.lung_fields.cage import Cage, fit_cage
from matl.lung_fields.masks import Grey, Mask, Sides, both, closed, levels, opened, within

FAT_SHARE = 0.85  # of the way from air to fat
FAT_QUANTILE = 0.1
GAS_SHARE = 0.4  # as much darker than the lungs as this share of their air's grey: gas
SMALLEST_PIECE = 0.003
DEEPEST_HULL = 18
SMALLEST_GAP, SOME_DARK = 0.002, 0.02
THINNEST_GAP, DEEPEST_WHITE_GAP, DEEPEST_GAP = 2.9, 14, 24
ROUNDING, BESIDE, DENSE_BESIDE = 4, 8, 0.5
DIRECTIONS, SHORT, LEAST_SHORT, FROM_MIDDLE, LEAST_CLOSE = 120, 2.5, 3, 42, 0.6


def add_dense_lung(sides: Sides, smooth: Grey) -> Sides:
    """Add dense lung to the air of the lungs in a supine slice.

    Args:
        sides: uint8 [H, W], not all 0.
        smooth: float32 [H, W], the slice, smoothed.

    Returns:
        uint8 [H, W], at least the field that is given.
    """
    limit = fat_limit(sides > 0, smooth)
    outside = air_outside(sides > 0, smooth)
    cage = fit_cage(sides) if {1, 2} <= set(np.unique(sides)) else None
    sides = grow(sides, smooth, limit, cage, outside)
    sides = both(*(fill_hull(sides, side, cage) for side in (1, 2)))
    cage = cage and fit_cage(sides)
    if cage is None:
        return sides
    sides = fill_cage(sides, smooth, limit, cage, outside)
    return both(*(closed(sides == side, 3) for side in (1, 2)))


def fat_limit(lung: Mask, smooth: Grey) -> float:
    """The grey value under which a place is no fat, and so may be lung."""
    air, body = levels(lung, smooth)
    tissue = smooth[~within(lung, 6) & (smooth > (air + body) / 2)]
    fat = float(np.quantile(tissue, FAT_QUANTILE)) if tissue.size else air
    return air + FAT_SHARE * max(fat - air, 0.0)


def air_outside(lung: Mask, smooth: Grey) -> Mask:
    """The dark around the body, and the skin."""
    labels, _ = ndimage.label((smooth < sum(levels(lung, smooth)) / 2) & ~lung)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    outside = opened(np.isin(labels, border[border > 0]), 1)
    return within(outside, 2) if outside.any() else outside


def grow(sides: Sides, smooth: Grey, limit: float, cage: Cage | None, outside: Mask) -> Sides:
    """Add what is denser than healthy lung and darker than fat: ground glass, at or in a lung.

    Pieces apart from a lung count too unless they are gas. Edges of a pixel's width do not.
    """
    lung = sides > 0
    room = within(convex_hull_image(lung), 3)
    if cage is not None:
        room = (room | (cage.down > 0)) & (cage.distance < 2) & cage.beside_spine
    dark = opened(smooth < limit, 1.5) & room & ~outside | lung
    labels, count = ndimage.label(dark)
    pieces = np.arange(count + 1)
    sizes = ndimage.sum_labels(dark, labels, pieces)
    medians = ndimage.median(smooth, labels, pieces)
    air = float(np.median(smooth[lung]))
    gas = medians <= air - GAS_SHARE * (air - float(smooth.min()))
    kept = (sizes > SMALLEST_PIECE * lung.size) & ~gas
    kept[np.unique(labels[lung])] = True
    kept[0] = False
    added = opened(kept[labels] & ~lung, 1.5)
    if cage is None:
        _, nearest = ndimage.distance_transform_edt(~lung, return_indices=True)
        side = sides[tuple(nearest)]
    else:
        side = np.where(np.broadcast_to(cage.across < 0, lung.shape), 1, 2).astype(np.uint8)
    grown = np.where(lung, sides, added * side)
    return both(closed(grown == 1, 4) & (grown != 2), closed(grown == 2, 4))


def fill_hull(sides: Sides, side: int, cage: Cage | None) -> Mask:
    """One lung, filled to its hull laterally within its rows and downwards within its columns."""
    lung = sides == side
    if not lung.any():
        return lung
    hull = convex_hull_image(lung)
    lateral = np.logical_or.accumulate(lung if side == 1 else lung[:, ::-1], axis=1)
    lateral = ~(lateral if side == 1 else lateral[:, ::-1]) & lung.any(axis=1)[:, None]
    below = np.logical_or.accumulate(lung, axis=0) & ~lung
    below &= ~np.logical_or.accumulate(lung[::-1], axis=0)[::-1]
    if cage is not None:
        below &= cage.beside_spine
    labels, count = ndimage.label(hull & (lateral | below))
    edge = hull & ~ndimage.binary_erosion(hull)
    away = ndimage.distance_transform_edt(~lung)
    filled = lung.copy()
    for index in range(1, count + 1):
        gap = labels == index
        if away[gap].max() < DEEPEST_HULL and faces_wall(gap & edge, lung, side):
            filled |= gap & (sides == 0)
    return filled


def faces_wall(lid: Mask, lung: Mask, side: int) -> bool:
    """Whether a stretch of a lung's hull faces sideways or the back, not the heart or a dome."""
    places = np.argwhere(lid)[:, ::-1]
    if len(places) < 3:
        return False
    centred = places - places.mean(axis=0)
    along = np.linalg.svd(centred, full_matrices=False)[2][0]
    out = np.array([-along[1], along[0]])
    if out @ (places.mean(axis=0) - np.argwhere(lung)[:, ::-1].mean(axis=0)) < 0:
        out = -out
    sideways = -out[0] if side == 1 else out[0]
    return bool(sideways > 0.7 or (out[1] > 0.3 and sideways > -0.3))


def fill_cage(sides: Sides, smooth: Grey, limit: float, cage: Cage, outside: Mask) -> Sides:
    """Fill gaps between the lungs and the cage, seen from its centre, where they may be lung."""
    lung = sides > 0
    right, down = cage.across * cage.curve[2], cage.down * cage.curve[3]
    angle = np.arctan2(right, down)  # 0 to the back
    direction = ((angle / (2 * np.pi) + 0.5) * DIRECTIONS).astype(int) % DIRECTIONS
    reach = np.zeros(DIRECTIONS)
    np.maximum.at(reach, direction[lung], np.hypot(right, down)[lung])
    beyond = np.hypot(right, down) - reach[direction]
    room = (cage.distance < -0.5) & (cage.down > -0.3) & cage.beside_spine & ~outside
    labels, count = ndimage.label(room & ~lung & (beyond > 0) & (reach[direction] > 0))
    away = ndimage.distance_transform_edt(~lung)
    dense = (smooth > (limit + float(np.median(smooth[lung]))) / 2)[lung]
    at_wall = (np.abs(np.degrees(angle)) > FROM_MIDDLE) & (beyond > SHORT)
    filled = sides.copy()
    for index in range(1, count + 1):
        gap = labels == index
        depth = away[gap].max()
        if gap.mean() < SMALLEST_GAP or not THINNEST_GAP < depth < DEEPEST_GAP:
            continue
        short = len(np.unique(direction[gap & at_wall])) >= LEAST_SHORT
        beside = dense[within(gap, BESIDE)[lung]]
        diseased = beside.sum() > DENSE_BESIDE * max(len(beside), 1)
        sure = short and diseased and cage.close > LEAST_CLOSE and depth < DEEPEST_WHITE_GAP
        if sure or np.mean(smooth[gap & (away > 2)] < limit) > SOME_DARK:
            filled[gap & opened(gap | lung, ROUNDING)] = (
                1 if right[0, gap.any(axis=0)][0] < 0 else 2
            )
    return filled
