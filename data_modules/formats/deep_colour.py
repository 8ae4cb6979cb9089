"""Colour images of more than 8 bits a channel, which Pillow opens without their lower bits."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

LOWER_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", "LA;16B": "RGBA"}
"""For each way in which Pillow reads a PNG's upper bytes: how it reads the lower ones."""
COLOURS = 3


def deep_colour(image: ImageFile, path: Path) -> np.ndarray | None:
    """All bits of an image that Pillow opens with 8 bits a channel though its file holds more.

    Args:
        image: The opened image, whose pixels were not read yet.
        path: Its file.

    Returns:
        float64 [H, W] or [H, W, 3] without alpha, upright as its EXIF orientation says; None where
        Pillow reads the image as it is.

    Raises:
        ValueError: There are more bits than can be read.
    """
    if image.format == "PNG":
        return _png(image, path)
    if _bits(image) > 8:
        raise ValueError(
            f"has or may have more than 8 bits a colour, which are not read of a {image.format}; "
            "save it as PNG"
        )
    return None


def _bits(image: ImageFile) -> int:
    """The most bits of a channel that the image may have in its file though not in memory."""
    several = len(image.getbands()) > 1
    if image.format == "TIFF":
        bits = max(image.tag_v2.get(258, (1,)))  # type: ignore[attr-defined]
        return bits if several else 8
    if image.format == "PPM" and several:
        arguments = image.tile[0][3]
        return 16 if isinstance(arguments, tuple) and arguments[-1] > 255 else 8
    return 16 if image.format == "JPEG2000" and several else 8


def _png(image: ImageFile, path: Path) -> np.ndarray | None:
    raw = image.tile[0][3]
    if raw not in LOWER_BYTES:
        return None
    upper, lower = _read(path, str(raw)), _read(path, LOWER_BYTES[str(raw)])
    if raw == "LA;16B":  # the four bytes of a pixel, read as if they were its channels
        return lower[..., 0] * 256 + lower[..., 1]
    return upper[..., :COLOURS] * 256 + lower[..., :COLOURS]


def _read(path: Path, raw: str) -> np.ndarray:
    with Image.open(path, formats=("PNG",)) as image:
        image.tile = [image.tile[0]._replace(args=raw)]
        ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(image).astype(np.float64)
