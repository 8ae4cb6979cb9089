"""DICOM images by pydicom: the values of one frame, with the unit that they are in.

DICOM PS3.3, C.7.6.3 (pixels), C.7.5.1.1.2 (padding), C.11.1 (modality LUT).
"""

import logging
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from data_modules.formats.dicom_header import Header, Refused, header_of, tags_unquoted
from data_modules.formats.libraries import library

PREAMBLE, MAGIC = 128, b"DICM"


@dataclass(frozen=True)
class Frame:
    """An image of a DICOM file.

    Attributes:
        values: float32 [rows, columns], NaN where the file says that there is no value; or uint8
            [rows, columns, 3], colours.
        header: What the file says of it.
    """

    values: np.ndarray
    header: Header


def is_dicom(file: str) -> bool:
    """Whether a file begins as DICOM files do (PS3.10)."""
    try:
        with open(file, "rb") as stream:
            return stream.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC
    except OSError:
        return False


def read_header(file: str) -> Header:
    """What a DICOM file says, without its pixels.

    Raises:
        Refused: It is no DICOM file of an image.
        DataError: pydicom is not installed.
    """
    return header_of(open_dataset(file, pixels=False))


def read_frame(file: str, number: int | None = None) -> Frame:
    """Read a frame, turned so that an axial slice shows the patient's front above, left on right.

    Args:
        file: The DICOM file.
        number: Of the frame; None where the file holds one.

    Raises:
        Refused: The file is damaged, holds no pixels or several frames where one is asked for,
            or its pixels have no known meaning.
        DataError: pydicom is not installed.
    """
    with tags_unquoted():
        return _frame(open_dataset(file, pixels=True), number)


def _frame(dataset: Any, number: int | None) -> Frame:
    header = header_of(dataset)
    if number is None and header.frames > 1:
        raise Refused(f"holds {header.frames} frames; name one, as in file.dcm#000")
    if number is not None and number >= header.frames:
        raise Refused(f"holds {header.frames} frames, and none of the number {number}")
    stored = _stored(dataset, number or 0)
    if header.colours:
        return Frame(_colours(stored), header)
    values = stored.astype(np.float32)
    if stored.ndim != 2:
        raise Refused(f"holds pixels of {stored.ndim} axes, and an image has two")
    padding = _padding(dataset, stored)
    slope, intercept = header.rescale[number or 0]
    values = values * np.float32(slope) + np.float32(intercept)
    values[padding] = np.nan
    if not np.isfinite(values[~padding]).all():
        raise Refused("holds pixels that are NaN or infinite")
    return Frame(np.ascontiguousarray(header.upright(values)), header)


def open_dataset(file: str, pixels: bool) -> Any:
    """Pydicom's dataset of a file, whose tags may name a patient; without pixels if not asked for.

    Raises:
        Refused: It is no DICOM file.
        DataError: pydicom is not installed.
    """
    pydicom = _pydicom()
    try:
        return pydicom.dcmread(file, stop_before_pixels=not pixels, defer_size=None)
    except Exception as error:  # its text may quote the patient's tags
        raise Refused(f"is no DICOM file that can be read ({type(error).__name__})") from None


def _stored(dataset: Any, number: int) -> np.ndarray:
    """The stored values of a frame, decompressed."""
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Refused("holds no pixels")
    pydicom = _pydicom()
    try:
        return np.asarray(pydicom.pixels.pixel_array(dataset, index=number))
    except Exception as error:  # as in `open_dataset`
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        named = syntax.name if syntax in pydicom.uid.UID_dictionary else "not known"
        reason = f"{type(error).__name__}; transfer syntax: {named}"
        raise Refused(f"its pixels cannot be decoded ({reason})") from None


def _colours(stored: np.ndarray) -> np.ndarray:
    if stored.ndim != 3 or stored.shape[2] != 3 or stored.dtype != np.uint8:
        raise Refused("holds colours of more than 8 bits; save it with 8 bits")
    return stored


def _padding(dataset: Any, stored: np.ndarray) -> np.ndarray:
    """Which pixels the file says are none, bool [rows, columns]."""
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if not isinstance(value, int) or not isinstance(limit, int | None):
        return np.zeros(stored.shape, dtype=bool)
    first, last = sorted(
        _as_stored(one, stored) for one in (value, value if limit is None else limit)
    )
    return (stored >= first) & (stored <= last)


def _as_stored(value: int, stored: np.ndarray) -> int:
    """A padding value in the sign of the pixels: files write it in either."""
    bits = 8 * stored.dtype.itemsize
    if stored.dtype.kind == "i" and value >= 1 << (bits - 1):
        return int(value) - (1 << bits)
    if stored.dtype.kind == "u" and value < 0:
        return int(value) + (1 << bits)
    return int(value)


@cache
def _pydicom() -> Any:
    """The library, silent: its warnings may quote the patient's tags."""
    pydicom = library("pydicom")
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    warnings.filterwarnings("ignore", module="pydicom")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    return pydicom
