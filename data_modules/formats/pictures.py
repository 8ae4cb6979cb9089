"""Reading one image file to uint8 pixels, whatever kind of pixels it holds."""

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from data_modules.fit import stored_size
from data_modules.formats.deep_colour import deep_colour
from data_modules.formats.places import Range
from data_modules.formats.windows import in_levels

Decoded = tuple[np.ndarray, tuple[int, int]]
MODES = {1: "L", 3: "RGB"}
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, by Pillow's names; its other readers start programs or guess."""
SUFFIXES = frozenset(
    ".bmp .gif .jfif .jpe .jpeg .jpg .pgm .png .pnm .ppm .tif .tiff .webp".split()  # noqa: SIM905
)
MAYBE_DEEP = (".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff")
"""File types whose pixels may have more than 8 bits."""
PNG, PNG_DEPTH = b"\x89PNG\r\n\x1a\n", 24
"""How a PNG begins, and where it says how many bits a channel has."""
PHOTOMETRIC, SAMPLE_FORMAT = 262, 339
SIGNED = 2
TURNED = (5, 6, 7, 8)
"""EXIF's orientations whose height and width change places."""
ALPHA = {"LA": "L", "PA": "RGB", "RGBA": "RGB"}


def read_picture(
    path: Path,
    size: tuple[int, int] | None,
    channels: int,
    fit: str = "stretch",
    levels: tuple[float, float] | None = None,
) -> Decoded:
    """Read and resize an image file of one of the `FORMATS`.

    The image is rotated as its EXIF orientation says, made grey or RGB, and resized by Pillow's
    bilinear filter, which widens with the reduction and so does not alias. Palettes are
    looked up, and an alpha channel is dropped. Pixels of more than 8 bits (16 and 32-bit integers,
    floats, 16-bit colour) are scaled by `levels`, or by the image's own range where none are given.
    White is the largest value, also where a TIFF says that it is 0.

    Args:
        path: The file.
        size: Height and width to look at in pixels; None keeps the image's own.
        channels: 1 for grey (ITU-R 601 luma of a colour image), 3 for RGB (a grey image repeated).
        fit: How the image fits `size`: `stretch` gives exactly that, the others what
            `data_modules.fit.stored_size` says.
        levels: The values of pixels of more than 8 bits that become 0 and 255.

    Returns:
        uint8 [channels, height, width], and the image's own height and width after rotation.

    Raises:
        ValueError: The meaning of the pixels is not known, the file holds several images, or the
            image does not fit.
        Exception: Any kind that Pillow raises for a file that is no image, or is truncated.
    """
    with Image.open(path, formats=FORMATS) as image:
        _check(image)
        deep = deep_colour(image, path)
        inverted = image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == 0  # type: ignore[attr-defined]
        ImageOps.exif_transpose(image, in_place=True)
        own_size = (image.height, image.width)
        height, width = own_size if size is None else stored_size(own_size, size, fit)
        pixels = _eight_bit(image, inverted, levels) if deep is None else _scaled(deep, levels)
        pixels = pixels.convert(MODES[channels])
    pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(pixels).reshape(height, width, channels).transpose(2, 0, 1), own_size


def deep_values(path: Path) -> np.ndarray | None:
    """The values of a picture of more than 8 bits, float64 [H, W] or [H, W, 3]; None of others.

    Raises:
        Exception: As of `read_picture`.
    """
    if path.suffix.lower() not in MAYBE_DEEP or not _says_deep(path):
        return None
    with Image.open(path, formats=FORMATS) as image:
        _check(image)
        deep = deep_colour(image, path)
        return _values(image) if deep is None else deep


def is_deep(path: Path) -> bool:
    """Whether a picture's header says that it has more than 8 bits; False where it is damaged."""
    try:
        return path.suffix.lower() in MAYBE_DEEP and _says_deep(path)
    except Exception:  # as in `read_picture`
        return False


def _says_deep(path: Path) -> bool:
    with open(path, "rb") as file:
        start = file.read(PNG_DEPTH + 1)
    if start.startswith(PNG):
        return start[PNG_DEPTH] == 16
    with Image.open(path, formats=FORMATS) as image:
        return _is_deep(image)


def try_read_size(path: Path) -> tuple[int, int] | None:
    """Height and width in pixels by an image's header, turned as EXIF says; None if unreadable."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            behind = image.format == "PNG" and "exif" not in image.info  # it would be decoded
            exif = {} if behind else image.getexif()
            turned = exif.get(ExifTags.Base.Orientation, 1) in TURNED
            return (image.width, image.height) if turned else (image.height, image.width)
    except Exception:  # as in `try_read`
        return None


def _check(image: Image.Image) -> None:
    """Refuse what has several meanings."""
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ValueError(f"holds {image.n_frames} images; save each as a file of its own")  # type: ignore[attr-defined]
    if image.format == "JPEG" and image.mode == "CMYK" and "adobe" not in image.info:
        raise ValueError("is a CMYK JPEG that does not say whether it is inverted; save it as RGB")
    if image.format == "TIFF" and image.mode == "L":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if SIGNED in tags.get(SAMPLE_FORMAT, ()):
            raise ValueError("holds signed 8-bit pixels; save it as 16-bit")


def _eight_bit(image: Image.Image, inverted: bool, levels: Range | None) -> Image.Image:
    if _is_deep(image):
        grey = _scaled(_values(image), levels)
        return ImageOps.invert(grey) if inverted else grey
    if image.mode in ALPHA:
        return _without_alpha(image)
    return image if image.mode in ("1", "L") else image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """Whether Pillow opens it with more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def _values(image: Image.Image) -> np.ndarray:
    values = np.asarray(image).astype(np.float64)
    if image.mode == "I" and _is_unsigned(image) and values.min() < 0:
        raise ValueError("holds 32-bit pixels above 2,147,483,647; save it as 16-bit")
    return values


def _is_unsigned(image: Image.Image) -> bool:
    return image.format == "TIFF" and SIGNED not in image.tag_v2.get(SAMPLE_FORMAT, ())  # type: ignore[attr-defined]


def _without_alpha(image: Image.Image) -> Image.Image:
    """The colours alone, unless they are flat and the picture is in the alpha channel."""
    colours = image.convert(ALPHA[image.mode])
    low, high = image.getchannel("A").getextrema()
    extrema = np.reshape(colours.getextrema(), (-1, 2))
    if low != high and (extrema[:, 0] == extrema[:, 1]).all():
        raise ValueError("has its picture in the alpha channel; save it without one")
    return colours


def _scaled(values: np.ndarray, levels: Range | None) -> Image.Image:
    low, high = levels or (values.min(), values.max())
    if not np.isfinite(values).all() or not np.isfinite(high - low):
        raise ValueError("some pixels are not finite numbers")
    return Image.fromarray(in_levels(values, low, high))
