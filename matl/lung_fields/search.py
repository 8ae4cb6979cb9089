"""The air of both lungs, found without training by thresholds, components and closing.

Images come in many windows, some cut out of papers: cropped, framed, with letters and arrows in
them. What is not plausible is refused.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_multiotsu, threshold_otsu
from skimage.morphology import isotropic_closing, isotropic_opening

from matl.lung_fields.masks import Grey, Mask, Sides, both

SMOOTHING = 0.8
CLOSING_RADIUS = 6
CORNER = 14
FRAME_GREY = 235
SMALLEST_FIELD, LARGEST_FIELD = 0.03, 0.70
SMALLEST_PIECE, MOST_PIECES = 0.008, 4
SMALLEST_BESIDE, SMALLEST_AT_BORDER = 0.1, 0.3
BLACK, CIRCLE_EDGE, DARKEST = 2, 3, 0.02
SMALLEST_SURROUND, LARGEST_SURROUND = 0.05, 0.70
SMALLEST_IN_CIRCLE = 0.06


def smoothed(grey: NDArray[np.uint8]) -> Grey:
    """A working image without its noise."""
    return np.asarray(ndimage.gaussian_filter(grey.astype(np.float32), SMOOTHING))


def find_lungs(grey: NDArray[np.uint8]) -> Sides:
    """Find both lungs in a grey slice of [128, 128]; all 0 where nothing is plausible.

    Where nothing is found, the black around a scanner's circle is taken for air: in a wide window
    it is darker than the lungs, and would be the only dark class. Then two large lungs must show.
    """
    found = search_lungs(grey)
    around = ndimage.binary_dilation(grey <= int(grey.min()) + BLACK, iterations=CIRCLE_EDGE)
    if found.any() or not SMALLEST_SURROUND < around.mean() < LARGEST_SURROUND:
        return found
    air = np.quantile(grey[~around], DARKEST).astype(np.uint8)
    again = search_lungs(np.where(around, air, grey))
    return again if two_sided(again) and (again > 0).mean() > SMALLEST_IN_CIRCLE else found


def search_lungs(grey: NDArray[np.uint8]) -> Sides:
    """`find_lungs` in a slice as it is.

    Thresholds and openings are tried in turn. The first that gives a lung on both sides wins,
    else the first that gives anything plausible.
    """
    rows, columns = inside_frame(grey)
    smooth = smoothed(grey[rows, columns])
    found = np.zeros(smooth.shape, dtype=np.uint8)
    for threshold, opening in candidates(smooth):
        sides = lungs_below(smooth, threshold, opening)
        if plausible(sides > 0) and (two_sided(sides) or not found.any()):
            found = sides
            if two_sided(sides):
                break
    whole = np.zeros(grey.shape, dtype=np.uint8)
    whole[rows, columns] = found
    return whole


def inside_frame(grey: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns of a figure without its light frame."""

    def span(light: Mask) -> slice:
        inner = np.flatnonzero(~light)
        most = len(light) // 5
        if inner.size == 0:
            return slice(0, len(light))
        return slice(min(int(inner[0]), most), max(int(inner[-1]) + 1, len(light) - most))

    light = grey > FRAME_GREY
    return span(light.mean(axis=1) > 0.95), span(light.mean(axis=0) > 0.95)


def candidates(smooth: Grey) -> list[tuple[float, int]]:
    """Grey values that may part lung from body, with radii of opening, the likeliest first."""
    if np.unique(smooth.astype(np.uint8)).size < 8:
        return []
    otsu = float(threshold_otsu(smooth))
    low, high = map(float, threshold_multiotsu(smooth.round().astype(np.uint8), 3))
    return [(otsu, 1), (low, 1), (otsu, 3), (low, 3), (high, 1), (high, 3)]


def lungs_below(smooth: Grey, threshold: float, opening: int) -> Sides:
    """The lungs among the parts darker than a threshold; all 0 if there are none."""
    pieces, outside = dark_pieces(isotropic_opening(smooth < threshold, opening))
    pieces = sorted(tissue(pieces, smooth), key=np.count_nonzero, reverse=True)[:MOST_PIECES]
    pieces = [p for p in pieces if np.count_nonzero(p) > least_beside(p) * pieces[0].sum()]
    if not pieces:
        return np.zeros(smooth.shape, dtype=np.uint8)
    left, right = part_sides(pieces, midline(np.any(pieces, axis=0), outside))
    return both(close(left), close(right))


def least_beside(piece: Mask) -> float:
    """The least share of the largest piece; at the image's border air from outside gets in."""
    at_border = piece[0].any() or piece[-1].any() or piece[:, 0].any() or piece[:, -1].any()
    return SMALLEST_AT_BORDER if at_border else SMALLEST_BESIDE


def dark_pieces(dark: Mask) -> tuple[list[Mask], Mask]:
    """Part the dark into pieces that may be lung, and what lies outside of the body.

    A lung may touch the border of a cropped image. Air outside reaches a corner, runs along the
    border or from side to side; air under the table lies low.
    """
    labels, _ = ndimage.label(dark)
    in_corner = set(np.unique(labels[corners(dark.shape)]))
    pieces, outside = [], np.zeros(dark.shape, dtype=bool)
    for index, box in enumerate(ndimage.find_objects(labels), start=1):
        piece = labels == index
        height, width = (s.stop - s.start for s in box)
        edges = [np.count_nonzero(e) for e in (piece[0], piece[-1], piece[:, 0], piece[:, -1])]
        wide = width > 0.6 * dark.shape[1] and height < 0.25 * dark.shape[0]
        across = bool(edges[2] and edges[3])
        along = sum(edges) > 0.5 * (height + width)
        low = (box[0].start + box[0].stop) / 2 > 0.84 * dark.shape[0]
        if index in in_corner or wide or across or along or low:
            outside |= piece
        elif np.count_nonzero(piece) >= SMALLEST_PIECE * dark.size:
            pieces.append(piece)
    return pieces, outside


def corners(shape: tuple[int, ...]) -> Mask:
    """The four triangles in the corners of an image, where no lung reaches."""
    y, x = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in shape)
    return y[:, None] + x[None, :] < CORNER


def tissue(pieces: list[Mask], smooth: Grey) -> list[Mask]:
    """Keep what is dark, and not as black as air (trachea, stomach) where other pieces are not."""
    bright = float(threshold_otsu(smooth))
    medians = [float(np.median(smooth[p])) for p in pieces]
    black = float(smooth.min())
    contrast = max((m for m in medians if m < bright), default=black) - black
    air = black + 0.35 * contrast if contrast > 10 else -1.0
    return [p for p, m in zip(pieces, medians, strict=True) if air < m < bright]


def midline(field: Mask, outside: Mask) -> int:
    """The first column of the image's right.

    Near the field's middle where the field is lowest (the mediastinum), or the body's middle if
    all of the field lies to one side of it.
    """
    body = np.flatnonzero(~outside.all(axis=0))
    centre = int(body[0] + body[-1] + 1) // 2
    if not 0.1 <= field[:, :centre].sum() / field.sum() <= 0.9:
        return centre
    used = np.flatnonzero(field.any(axis=0))
    middle, reach = (used[0] + used[-1] + 1) / 2, max(0.15 * len(used), 1)
    near = np.arange(math.ceil(middle - reach), math.floor(middle + reach) + 1)
    heights = field[:, near].sum(axis=0)
    lowest = near[heights == heights.min()]
    return int(lowest[np.argmin(np.abs(lowest - middle))])


def part_sides(pieces: list[Mask], middle: int) -> tuple[Mask, Mask]:
    """Give each piece to the side where it lies; a piece on both sides is cut at the midline."""
    is_left = np.broadcast_to(np.arange(pieces[0].shape[1]) < middle, pieces[0].shape)
    left, right = np.zeros(is_left.shape, dtype=bool), np.zeros(is_left.shape, dtype=bool)
    for piece in pieces:
        share = is_left[piece].mean()
        if share > 0.8:
            left |= piece
        elif share < 0.2:
            right |= piece
        else:
            left |= piece & is_left
            right |= piece & ~is_left
    return left, right


def close(lung: Mask) -> Mask:
    """Count vessels and lesions within a lung, or at its edge, as lung."""
    padded = np.pad(lung, CLOSING_RADIUS)
    inner = (slice(CLOSING_RADIUS, -CLOSING_RADIUS),) * 2
    return ndimage.binary_fill_holes(isotropic_closing(padded, CLOSING_RADIUS))[inner]


def two_sided(sides: Sides) -> bool:
    """Whether neither side is much smaller than the other."""
    left, right = np.count_nonzero(sides == 1), np.count_nonzero(sides == 2)
    return bool(min(left, right) > 0.15 * (left + right))


def plausible(field: Mask) -> bool:
    """Whether a field has the size of lungs and lies where lungs lie."""
    if not SMALLEST_FIELD <= field.mean() <= LARGEST_FIELD:
        return False
    y, x = (c / n for c, n in zip(ndimage.center_of_mass(field), field.shape, strict=True))
    return bool(0.25 < y < 0.8 and 0.2 < x < 0.8)
