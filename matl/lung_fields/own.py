"""Lungs that a user's own mask shows, such as those of lungmask and TotalSegmentator."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from data_modules.errors import DataError, first_line
from data_modules.formats.places import Place, place_of
from data_modules.formats.volumes import is_volume, read_volume
from matl.lung_fields.masks import Mask, Sides, both
from matl.lung_fields.search import midline, part_sides

FORMATS = ("BMP", "PNG", "TIFF")
"""What keeps labels as they are, by Pillow's names."""
MODES = ("1", "L", "P", "I", "I;16", "I;16B")
LOBES = range(10, 15)
"""TotalSegmentator's labels of the lobes, of its task `total` (version 2), among other organs."""
OF_LUNGS = range(1, 6)
"""lungmask's labels: 1 and 2 (lungs), or 1 to 5 (lobes)."""


def read_lungs(file: Path, size: tuple[int, int], organs: bool = False) -> Mask:
    """The lungs in a mask's file, bool [H, W].

    Which label is which lung does not matter: sides are found in the image.

    Args:
        file: A picture of labels, or a slice of a volume of them (`mask.nii.gz#012`), which lies
            as the image's slices do (`data_modules.formats.volumes`).
        size: Height and width of the image that it belongs to.
        organs: Whether labels are TotalSegmentator's, of many organs; else what is not 0 is lung.

    Raises:
        DataError: It cannot be read, holds no labels, has another size, or its labels are neither
            one alone nor those of lungmask.
    """
    place = place_of(str(file))
    labels = _of_volume(file, place) if is_volume(place.file) else _of_picture(file)
    if labels.shape != size:
        height, width = labels.shape
        raise DataError(
            f"{file}: the mask is {width} x {height} pixels, and its image {size[1]} x {size[0]}; "
            "save it at the image's size"
        )
    if organs:
        return np.isin(labels, LOBES)
    found = np.unique(labels[labels != 0])
    if len(found) > 1 and not np.isin(found, OF_LUNGS).all():
        raise DataError(
            f"{file}: holds the labels {found[0]} to {found[-1]}, and a mask of lungs has one, or "
            "lungmask's 1 to 5; for TotalSegmentator's organs set fields=organs"
        )
    return np.asarray(labels != 0)


def _of_picture(file: Path) -> NDArray[np.generic]:
    """The labels in a picture, [H, W]."""
    try:
        with Image.open(file, formats=FORMATS) as picture:
            mode = picture.mode
            labels = np.asarray(ImageOps.exif_transpose(picture))
    except Exception as error:  # damaged files make Pillow raise errors of many kinds
        raise DataError(f"{file}: cannot be read as a mask ({first_line(error)})") from error
    if mode not in MODES:
        raise DataError(f"{file}: is no mask, but colours; save labels as a grey PNG")
    return labels


def _of_volume(file: Path, place: Place) -> NDArray[np.generic]:
    """The labels in a slice of a volume, int64 [H, W]."""
    try:
        volume = read_volume(place.file)
    except ValueError as error:
        raise DataError(f"{file}: cannot be read as a mask ({first_line(error)})") from error
    if place.number is None or place.number >= len(volume):
        raise DataError(
            f"{file}: the volume holds {len(volume)} slices, counted from 0; name one of them, as "
            f"in {Path(place.file).name}#000"
        )
    values = volume[place.number]
    labels = values.astype(np.int64)
    if (labels != values).any():
        raise DataError(f"{file}: is no mask: its values are no whole numbers, and labels are")
    return labels


def sides_of(lungs: Mask) -> Sides:
    """Lungs parted into those on the image's left and right, uint8 [H, W]."""
    if not lungs.any():
        return np.zeros(lungs.shape, dtype=np.uint8)
    labels, count = ndimage.label(lungs)
    pieces = [labels == number for number in range(1, count + 1)]
    return both(*part_sides(pieces, midline(lungs, np.zeros_like(lungs))))


def at_size(lungs: Mask, side: int) -> NDArray[np.bool_]:
    """A mask, stretched to a square of `side` pixels: lung where it covers half of a pixel."""
    grey = Image.fromarray(np.where(lungs, 255, 0).astype(np.uint8))
    return np.asarray(grey.resize((side, side), Image.Resampling.BOX)) >= 128
