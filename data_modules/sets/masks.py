"""Masks that lie in a folder of their own, under the names of their images."""

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path

from data_modules.errors import DataError
from data_modules.sets.listing import find_images


def masks_of(root: Path, masks: str, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find the mask of each image.

    Args:
        root: The folder of the images.
        masks: The folder of the masks, relative to `root` and outside of it.
        paths: The images, relative to `root`.

    Returns:
        The path of each mask relative to `root`, "" where there is none, and notes on what is
        missing.

    Raises:
        DataError: The folder is missing or within `root`, a name is there twice, or no name fits.
    """
    folder = root / masks
    if not folder.is_dir():
        raise DataError(f"options.masks: there is no folder {folder}")
    if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise DataError(f"options.masks: {folder} lies among the images; put it beside {root}")
    found: dict[str, str] = {}
    for path in find_images(folder).images:
        name = posixpath.splitext(path)[0]
        if name in found:
            raise DataError(f"options.masks: {folder} has both {found[name]} and {path}; keep one")
        found[name] = path
    own = [found.get(posixpath.splitext(path)[0]) for path in paths]
    if not any(own):
        raise DataError(
            f"options.masks: {folder} has no mask of the name of an image, such as {paths[0]}"
        )
    lacking = [path for path, mask in zip(paths, own, strict=True) if mask is None]
    relative = [posixpath.join(masks, mask) if mask else "" for mask in own]
    if not lacking:
        return relative, []
    return relative, [f"{len(lacking)} of {len(paths)} images have no mask, such as {lacking[0]}"]
