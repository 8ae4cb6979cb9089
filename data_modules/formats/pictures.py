"""Reading one image file to uint8 pixels, whatever kind of pixels it holds."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

Decoded = tuple[np.ndarray, tuple[int, int]]
MODES = {1: "L", 3: "RGB"}


def read_image(path: Path, size: tuple[int, int], channels: int) -> Decoded:
    """Read and resize an image file of any format that Pillow knows.

    The image is rotated as its EXIF orientation says, made grey or RGB, and stretched to `size` by
    Pillow's bilinear filter, which widens with the reduction and so does not alias. Palettes are
    looked up, an alpha channel is dropped, and of several frames the first is taken. Pixels of
    more than 8 bits (16 and 32-bit integers, floats) are scaled by the image's own range: its
    smallest value becomes 0, its largest 255. So a 12-bit scan in a 16-bit file keeps its contrast.

    Args:
        path: The file.
        size: Height and width of the result in pixels.
        channels: 1 for grey (ITU-R 601 luma of a colour image), 3 for RGB (a grey image repeated).

    Returns:
        uint8 [channels, height, width], and the image's own height and width after rotation.

    Raises:
        Exception: Any kind that Pillow raises for a file that is no image, or is truncated.
    """
    height, width = size
    with Image.open(path) as image:
        ImageOps.exif_transpose(image, in_place=True)
        own_size = (image.height, image.width)
        pixels = _eight_bit(image, MODES[channels])
    pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(pixels).reshape(height, width, channels).transpose(2, 0, 1), own_size


def try_read(path: Path, size: tuple[int, int], channels: int) -> Decoded | str:
    """What `read_image` returns, or the reason why the file cannot be read, as text."""
    try:
        return read_image(path, size, channels)
    except UnidentifiedImageError:
        return "no image format that Pillow knows"
    except Exception as error:  # damaged files make Pillow raise errors of many kinds
        return str(error) or type(error).__name__


def _eight_bit(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        image = _scaled(np.asarray(image).astype(np.float64))
    elif image.mode not in ("1", "L", "LA"):
        image = image.convert("RGB")
    return image.convert(mode)


def _scaled(values: np.ndarray) -> Image.Image:
    low, high = values.min(), values.max()
    if not np.isfinite(high - low):
        raise ValueError("some pixels are not finite numbers")
    return Image.fromarray(
        np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    )
