"""A folder of images that is written once: whole or not at all."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from PIL import Image

from data_modules.errors import DataError


def write_images_once(
    root: Path, name: str, images: Iterable[tuple[str, npt.NDArray[np.generic]]]
) -> Path:
    """Write images unless an earlier call has written them.

    Safe when killed at any moment and when several processes call it at once.

    Args:
        root: The data set's folder, made if missing.
        name: Of the folder below it; what the images follow from must be part of it.
        images: Posix paths relative to that folder, with uint8 or bool [H, W], or uint8 [H, W, 3];
            read only if needed.

    Returns:
        The folder that holds the images.

    Raises:
        DataError: Where the folder cannot be written.
    """
    folder, partial = Path(root) / name, Path(root) / f".{name}.partial"
    if folder.is_dir():
        return folder
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        with FileLock(Path(root) / f".{name}.lock"):
            if folder.exists():
                return folder
            shutil.rmtree(partial, ignore_errors=True)
            for path, image in images:
                _write(partial / path, image)
            os.rename(partial, folder)
    except OSError as error:
        raise DataError(
            f"cannot write images into {root}: {error}; make it writable, or copy it"
        ) from error
    return folder


def _write(path: Path, image: npt.NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = image.astype("uint8") * 255 if image.dtype == bool else image
    Image.fromarray(pixels).save(path, compress_level=1)
