"""Masks of images: beside them under their names, and of a volume's slices by their numbers."""

import os
import posixpath
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_modules.errors import DataError
from data_modules.formats.pictures import SUFFIXES
from data_modules.formats.places import file_of, place_of
from data_modules.formats.volumes import VolumeHeader, is_volume, read_header, suffix_of
from data_modules.sets.listing import find_images

ALIKE = 0.01
"""Share by which a voxel's sides may differ in two files of one grid."""


def masks_of(root: Path, masks: str, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find the mask of each image: a file of its name, whatever its type.

    The mask of a volume is a volume. A slice or frame may have a picture of its own instead, named
    as the image: `scan.nii.gz#012.png`, or `scan#012.png`.

    Args:
        root: The folder of the images.
        masks: The folder of the masks, relative to `root` and outside of it.
        paths: The images, relative to `root`.

    Returns:
        The path of each mask relative to `root`, with the slice's number where it is one of a
        volume; "" where there is none; and notes on what is missing.

    Raises:
        DataError: The folder is missing or within `root`, a name is there twice, no name fits, or
            as of `numbered_masks`.
    """
    folder = root / masks
    if not folder.is_dir():
        raise DataError(f"options.masks: there is no folder {folder}")
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise DataError(f"options.masks: {folder} lies among the images; put it beside {root}")
    found: dict[str, str] = {}
    for path in find_images(folder, scans=True).images:
        if not (suffix_of(path) in SUFFIXES or is_volume(path)):
            continue
        name = _name(path)
        if name in found:
            raise DataError(f"options.masks: {folder} has both {found[name]} and {path}; keep one")
        found[name] = path
    own = [next((found[name] for name in _names(path) if name in found), None) for path in paths]
    if not any(own):
        raise DataError(
            f"options.masks: {folder} has no mask of the name of an image, such as {paths[0]}"
        )
    lacking = [path for path, mask in zip(paths, own, strict=True) if mask is None]
    relative = [posixpath.join(masks, mask) if mask else "" for mask in own]
    numbered = numbered_masks(root, "options.masks", paths, paths, relative)
    if not lacking:
        return numbered, []
    return numbered, [f"{len(lacking)} of {len(paths)} images have no mask, such as {lacking[0]}"]


def numbered_masks(
    root: Path, where: str, paths: Sequence[str], given: Sequence[str], masks: Sequence[str]
) -> list[str]:
    """Masks with the slice's number where a whole volume is named for slices of one.

    Args:
        root: The folder that all paths start from.
        where: What names the masks, for errors.
        paths: The images.
        given: The file, or the folder of the series, that each stands for.
        masks: The mask of each; "" where there is none.

    Raises:
        DataError: A volume is named for what is no slice of a volume, has other voxels than its
            image, cannot be read, or one mask is named for several slices.
    """
    sized: set[tuple[str, str]] = set()
    numbered = []
    for path, mask in zip(paths, masks, strict=True):
        if mask and is_volume(mask):  # a slice that is named already does not end as one
            pair = (file_of(path), mask)
            if pair not in sized:
                _check_shape(root, where, *pair)
                sized.add(pair)
            mask += path.removeprefix(file_of(path))
        numbered.append(mask)
    named = zip(map(file_of, given), numbered, strict=True)
    for (file, mask), count in Counter(one for one in named if one[1]).items():
        if count > 1:
            volume = "a volume of masks, or " if is_volume(file) else ""
            raise DataError(
                f"{where}: {mask} would be the mask of {count} slices of {file}; give {volume}a "
                "picture for each slice"
            )
    return numbered


def _check_shape(root: Path, where: str, image: str, mask: str) -> None:
    """Refuse a volume as the mask of what is no volume of the same voxels."""
    if not is_volume(image):
        raise DataError(
            f"{where}: {mask} is a volume, and {image} is none; give a picture for each image"
        )
    headers = []
    for path in (image, mask):
        try:
            headers.append(read_header(str(root / path)))
        except ValueError as error:
            if path == image:
                return  # whoever decodes it says why
            raise DataError(f"{where}: {mask} {error}") from error
    own, other = (_voxels(header) for header in headers)
    alike = np.allclose(headers[0].spacing, headers[1].spacing, rtol=ALIKE)
    if headers[0].shape != headers[1].shape or not alike:
        raise DataError(
            f"{where}: {mask} has {other}, and {image} {own}; save a mask with its image's "
            "size and affine"
        )


def _voxels(header: VolumeHeader) -> str:
    """Slices, rows and columns, and their millimetres."""
    counts, steps = (
        " x ".join(f"{one:.4g}" for one in of) for of in (header.shape, header.spacing)
    )
    return f"{counts} voxels of {steps} mm"


def _name(path: str) -> str:
    """A file's name without its type."""
    return path.removesuffix(path[len(path) - len(suffix_of(path)) :])


def _names(path: str) -> list[str]:
    """What the mask of an image may be called, without its type, the nearest first."""
    place = place_of(path)
    if place.number is None:
        return [_name(path)]
    return [path, _name(place.file) + path.removeprefix(place.file), _name(place.file)]
