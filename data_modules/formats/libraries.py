"""Libraries that only some formats need, and what installs them."""

from importlib import import_module
from typing import Any

from data_modules.errors import DataError

EXTRAS = {"pydicom": "dicom", "nibabel": "volumes", "SimpleITK": "volumes"}


def library(name: str) -> Any:
    """Import a library.

    Raises:
        DataError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        extra = EXTRAS[name]
        raise DataError(
            f"{name} is not installed, which reads these files: pip install 'matl[{extra}]'"
        ) from error
