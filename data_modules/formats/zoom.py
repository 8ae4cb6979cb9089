"""Slices at a stated spacing: as many millimetres per pixel in every image."""

import numpy as np
from PIL import Image

from data_modules.fit import SPARE
from data_modules.formats.places import with_zoom

Zoom = tuple[float, float]
"""Pixels that are looked at for each pixel of the file, along rows' and columns' axis."""


def zoom_of(own: str, wanted: float) -> Zoom | None:
    """How a slice is zoomed to a spacing; None where it states none.

    Args:
        own: Its millimetres per pixel, as in "0.7" or, between rows and between columns,
            "0.7 x 0.8"; see the column `spacing` of `data_modules.samples.Samples`.
        wanted: Millimetres per pixel.
    """
    try:
        parts = [float(part) for part in own.split("x")]
    except ValueError:
        return None
    if len(parts) not in (1, 2) or not all(0 < part < np.inf for part in parts):
        return None
    return parts[0] / wanted, parts[-1] / wanted


def with_spacing(path: str, own: str, wanted: str) -> str:
    """A path with the zoom to the millimetres per pixel that are wanted; "" wants none.

    Args:
        path: Of an image.
        own: As of `zoom_of`.
        wanted: A number as text.
    """
    zoom = zoom_of(own, float(wanted)) if wanted else None
    return path if zoom is None else with_zoom(path, zoom)


def at_spacing(
    pixels: np.ndarray, size: tuple[int, int], zoom: Zoom
) -> tuple[np.ndarray, tuple[int, int]]:
    """The middle of a slice, as large as a stage looks at, with black where there is no slice.

    `SPARE` times the pixels that the stage looks at are kept along a side, and none is made up.

    Args:
        pixels: uint8 [C, h, w].
        size: Height and width that the stage looks at.
        zoom: Of the slice.

    Returns:
        uint8 [C, H, W] of the aspect of `size`, and how many pixels of the file, height and width,
        it shows.
    """
    spare = min(SPARE, 1 / max(zoom))
    height, width = (max(1, round(side * spare)) for side in size)
    whole = [
        max(1, round(side * one * spare)) for side, one in zip(pixels.shape[1:], zoom, strict=True)
    ]
    layers = [
        Image.fromarray(np.ascontiguousarray(layer)).resize(
            (whole[1], whole[0]), Image.Resampling.BILINEAR
        )
        for layer in pixels
    ]
    left, top = (whole[1] - width) // 2, (whole[0] - height) // 2
    seen = [np.asarray(one.crop((left, top, left + width, top + height))) for one in layers]
    shown = (max(1, round(size[0] / zoom[0])), max(1, round(size[1] / zoom[1])))
    return np.stack(seen), shown
