"""Measures of an image that need no look at what it shows: size, file, grey levels, border.

A model that reads the label from these has found a shortcut; see `data_modules.audit.shortcuts`.
"""

import math
import os

import numpy as np
from PIL import Image
from scipy import ndimage

from data_modules.formats.images import is_picture
from data_modules.formats.pictures import FORMATS
from data_modules.formats.places import file_of

GROUPS: dict[str, tuple[str, ...]] = {
    "size": ("height", "width"),
    "file type": ("suffix", "mode"),
    "compression": ("bytes_per_pixel",),
    "grey levels": ("mean", "deviation", "black", "white"),
    "border": ("border_top", "border_bottom", "border_left", "border_right"),
    "burned-in marks": ("marks", "colour"),
    "sharpness": ("sharpness", "entropy"),
}
"""Which measures say the same kind of thing."""
MEASURES = tuple(name for names in GROUPS.values() for name in names)
TEXTS = ("suffix", "mode")
"""Those that are words."""
WORKING_SIDE = 384
BLACK, WHITE = 5, 250
BORDER_SPREAD = 6
"""Grey levels within which a row or column counts as border."""
MARK_SIDES = 0.012, 0.08
"""Least and largest side of a letter or an arrow, as shares of the image's larger side."""
COLOURED = 24


def measure(path: str, pixels: np.ndarray) -> list[float | str]:
    """The `MEASURES` of an image, in their order.

    Height and width are natural logarithms of pixels; `black`, `white`, `colour` and borders are
    shares; `marks` counts small white spots, as letters and arrows are; `entropy` is in bits.

    Args:
        path: What reads the image; see `Samples.images`.
        pixels: uint8 [3, H, W].
    """
    colours = _reduced(pixels)
    grey = np.asarray(Image.fromarray(colours).convert("L"))
    height, width = pixels.shape[1:]
    suffix, mode, size = _file(path)
    return [
        math.log(height),
        math.log(width),
        suffix,
        mode,
        size / (height * width),
        float(grey.mean()),
        float(grey.std()),
        float((grey <= BLACK).mean()),
        float((grey >= WHITE).mean()),
        *_borders(grey),
        float(_marks(grey)),
        float(((colours.max(axis=2) - colours.min(axis=2).astype(int)) > COLOURED).mean()),
        float(np.log1p(ndimage.laplace(grey.astype(np.float32)).var())),
        _entropy(grey),
    ]


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 3] of at most `WORKING_SIDE` pixels a side."""
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _file(path: str) -> tuple[str, str, int]:
    """Extension, colour mode and bytes; of a scan, which may hold many images, no bytes."""
    file = file_of(path)
    suffix = os.path.splitext(file)[1].lower()
    if not is_picture(file):
        return suffix, "scan", 0
    with Image.open(file, formats=FORMATS) as image:
        return suffix, image.mode, os.path.getsize(file)


def _borders(grey: np.ndarray) -> list[float]:
    """How far plain rows reach from the top and the bottom, and columns from left and right."""
    shares = []
    for lines in (grey, grey.T):
        plain = np.ptp(lines, axis=1) <= BORDER_SPREAD
        for side in (plain, plain[::-1]):
            shares.append(float(len(side) if side.all() else side.argmin()) / len(side))
    return shares


def _marks(grey: np.ndarray) -> int:
    spots, _ = ndimage.label(grey >= WHITE)
    least, most = (share * max(grey.shape) for share in MARK_SIDES)
    sides = [
        [place.stop - place.start for place in spot] for spot in ndimage.find_objects(spots) if spot
    ]
    return sum(least <= max(side) <= most for side in sides)


def _entropy(grey: np.ndarray) -> float:
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
