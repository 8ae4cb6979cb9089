"""Writing of a phantom's images: once, whole or not at all, into a folder named by its settings."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from data_modules.errors import DataError
from data_modules.image_folder import write_images_once
from data_modules.phantom.anatomy import Array

VERSION = 2


def whole_number(name: str, value: object, low: int, high: int) -> int:
    """The value of an option, checked.

    Raises:
        DataError: Where it is no whole number from `low` to `high`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DataError(f"phantom option {name}={value!r}: give a whole number, {low} to {high}")
    return value


def digest(content: str, options: Mapping[str, int]) -> str:
    """The name of the folder for these settings: 16 hexadecimal digits."""
    words = json.dumps([content, VERSION, sorted(options.items())])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def write_once(
    root: Path,
    content: str,
    options: Mapping[str, int],
    images: Iterable[tuple[str, Array]],
) -> Path:
    """Write images unless an earlier call has written them.

    Safe when killed at any moment and when several processes call it at once.

    Args:
        root: The data set's folder, made if missing.
        content: What the images show.
        options: The settings that the images follow from.
        images: Posix paths relative to the folder, with uint8 or bool [H, W]; read only if needed.

    Returns:
        The folder that holds the images.

    Raises:
        DataError: Where the folder cannot be written.
    """
    return write_images_once(root, digest(content, options), images)
