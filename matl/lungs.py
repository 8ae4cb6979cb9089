"""The lung field of an axial CT slice, and the six regions that the multi-scale loss cuts it into.

The field is found without training, by thresholds, components and closing (scikit-image and
SciPy), because the images come in many windows, some cut out of papers: cropped, framed, with
letters and arrows in them. A field that is not plausible is refused: no field is better than a
wrong one, since a scan without a field still enters the *whole* term of the loss.

Sides are sides of the image. In the radiological convention the image's left is the patient's
right, and in a supine scan the image's top is anterior; neither is known of a figure cut out of
a paper, so neither is assumed.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_multiotsu, threshold_otsu
from skimage.morphology import isotropic_closing, isotropic_opening

from matl.lung_regions import REGIONS as REGIONS
from matl.lung_regions import VERSION as VERSION

WORKING_SIZE = 128  # all lengths below are pixels of an image of this size, all shares of its area
SMOOTHING = 0.8
CLOSING_RADIUS = 6
CORNER = 14
FRAME_GREY = 235
SMALLEST_FIELD, LARGEST_FIELD = 0.03, 0.70
SMALLEST_PIECE, MOST_PIECES = 0.008, 4
BLACK, CIRCLE_EDGE, DARKEST = 2, 3, 0.02
SMALLEST_SURROUND, LARGEST_SURROUND = 0.05, 0.70
SMALLEST_IN_CIRCLE = 0.06

Mask = NDArray[np.bool_]
Sides = NDArray[np.uint8]  # 0 outside the field, 1 its image-left lung, 2 its image-right lung


def region_map(
    image: NDArray[np.uint8],
    regions: str = "lungs",
    fields: str = "lungs",
) -> NDArray[np.uint8]:
    """Label every pixel of an axial slice with its lung region.

    Args:
        image: uint8 [C, H, W], 0 to 255.
        regions: `lungs` cuts the field; `image_grid`, a control, cuts the whole image into two
            columns and three rows and takes all of it for the field, whatever `fields` says.
        fields: `lungs` finds the lungs; `ellipse`, a control, is the same ellipse in every image.

    Returns:
        uint8 [H, W]: 0 outside the field, k in `REGIONS[k - 1]`. All 0: no plausible field.
    """
    height, width = image.shape[-2:]
    if regions == "image_grid":
        return cut(halves(np.ones((height, width), dtype=bool)))
    if fields == "ellipse":
        return cut(halves(ellipse(height, width)))
    grey = Image.fromarray(image.mean(axis=0).astype(np.uint8))
    small = np.asarray(grey.resize((WORKING_SIZE, WORKING_SIZE), Image.Resampling.BILINEAR))
    labels = Image.fromarray(cut(find_lungs(small)))
    return np.asarray(labels.resize((width, height), Image.Resampling.NEAREST))


def cut(sides: Sides) -> NDArray[np.uint8]:
    """Cut each side into thirds of equal area, from top to bottom: [H, W] of 0 to 6."""
    labels = np.zeros(sides.shape, dtype=np.uint8)
    for side in (1, 2):
        lung = sides == side
        area = lung.sum(axis=1)
        middle_of_row = np.cumsum(area) - area / 2
        third = np.minimum(middle_of_row * 3 // max(int(area.sum()), 1), 2).astype(np.uint8)
        labels += lung * (3 * (side - 1) + 1 + third[:, None]).astype(np.uint8)
    return labels


def ellipse(height: int, width: int) -> Mask:
    """The fixed field of the control: an ellipse over the middle of the image, [H, W]."""
    y = (np.arange(height)[:, None] + 0.5) / height - 0.5
    x = (np.arange(width)[None, :] + 0.5) / width - 0.5
    return (x / 0.38) ** 2 + (y / 0.30) ** 2 <= 1.0


def halves(field: Mask) -> Sides:
    """Part a field at the image's middle column."""
    right = np.arange(field.shape[1]) >= field.shape[1] // 2
    return (field * (1 + right)).astype(np.uint8)


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
    smooth = ndimage.gaussian_filter(grey[rows, columns].astype(np.float32), SMOOTHING)
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


def candidates(smooth: NDArray[np.float32]) -> list[tuple[float, int]]:
    """Grey values that may part lung from body, with radii of opening, the likeliest first."""
    if np.unique(smooth.astype(np.uint8)).size < 8:
        return []
    otsu = float(threshold_otsu(smooth))
    low, high = map(float, threshold_multiotsu(smooth.round().astype(np.uint8), 3))
    return [(otsu, 1), (low, 1), (otsu, 3), (low, 3), (high, 1), (high, 3)]


def lungs_below(smooth: NDArray[np.float32], threshold: float, opening: int) -> Sides:
    """The lungs among the parts darker than a threshold; all 0 if there are none."""
    pieces, outside = dark_pieces(isotropic_opening(smooth < threshold, opening))
    pieces = sorted(tissue(pieces, smooth), key=np.count_nonzero, reverse=True)[:MOST_PIECES]
    pieces = [p for p in pieces if np.count_nonzero(p) > 0.1 * np.count_nonzero(pieces[0])]
    if not pieces:
        return np.zeros(smooth.shape, dtype=np.uint8)
    left, right = part_sides(pieces, midline(np.any(pieces, axis=0), outside))
    right = close(right)
    return np.where(close(left), 1, np.where(right, 2, 0)).astype(np.uint8)


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


def tissue(pieces: list[Mask], smooth: NDArray[np.float32]) -> list[Mask]:
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
