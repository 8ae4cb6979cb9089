"""Reading one image file to uint8 pixels, whatever kind of pixels it holds."""

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from data_modules.fit import stored_size
from data_modules.formats.deep_colour import deep_colour

Decoded = tuple[np.ndarray, tuple[int, int]]
MODES = {1: "L", 3: "RGB"}
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, by Pillow's names; its other readers start programs or guess."""
PHOTOMETRIC, SAMPLE_FORMAT = 262, 339
SIGNED = 2
TURNED = (5, 6, 7, 8)
"""EXIF's orientations whose height and width change places."""
ALPHA = {"LA": "L", "PA": "RGB", "RGBA": "RGB"}


def read_image(
    path: Path, size: tuple[int, int] | None, channels: int, fit: str = "stretch"
) -> Decoded:
    """Read and resize an image file of one of the `FORMATS`.

    The image is rotated as its EXIF orientation says, made grey or RGB, and resized by Pillow's
    bilinear filter, which widens with the reduction and so does not alias. Palettes are
    looked up, and an alpha channel is dropped. Pixels of more than 8 bits (16 and 32-bit integers,
    floats, 16-bit colour) are scaled by the image's own range: its smallest value becomes 0, its
    largest 255. So a 12-bit scan in a 16-bit file keeps its contrast. White is the largest value,
    also where a TIFF says that it is 0.

    Args:
        path: The file.
        size: Height and width to look at in pixels; None keeps the image's own.
        channels: 1 for grey (ITU-R 601 luma of a colour image), 3 for RGB (a grey image repeated).
        fit: How the image fits `size`: `stretch` gives exactly that, the others what
            `data_modules.fit.stored_size` says.

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
        pixels = _eight_bit(image, inverted) if deep is None else _scaled(deep)
        pixels = pixels.convert(MODES[channels])
    pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(pixels).reshape(height, width, channels).transpose(2, 0, 1), own_size


def try_read(
    path: Path, size: tuple[int, int], channels: int, fit: str = "stretch"
) -> Decoded | str:
    """What `read_image` returns, or the reason why the file cannot be read, as text."""
    try:
        return read_image(path, size, channels, fit)
    except UnidentifiedImageError:
        return f"is no image of the formats that are read ({', '.join(FORMATS)})"
    except Exception as error:  # damaged files make Pillow raise errors of many kinds
        return str(error) or type(error).__name__


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


def _eight_bit(image: Image.Image, inverted: bool) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64)
        if image.mode == "I" and _is_unsigned(image) and values.min() < 0:
            raise ValueError("holds 32-bit pixels above 2,147,483,647; save it as 16-bit")
        return _scaled(-values if inverted else values)
    if image.mode in ALPHA:
        return _without_alpha(image)
    return image if image.mode in ("1", "L") else image.convert("RGB")


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


def _scaled(values: np.ndarray) -> Image.Image:
    low, high = values.min(), values.max()
    if not np.isfinite(high - low):
        raise ValueError("some pixels are not finite numbers")
    return Image.fromarray(
        np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    )
