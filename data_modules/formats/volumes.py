"""Slices of volumes: NIfTI, MetaImage and NRRD files, each read once for all of its slices."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from data_modules.errors import DataError
from data_modules.formats import metaimage, nifti

READERS = {
    **dict.fromkeys((".nii", ".nii.gz"), nifti),
    **dict.fromkeys((".mha", ".mhd", ".nrrd", ".nhdr"), metaimage),
}
KEPT = 2
"""Volumes that are held open: where one ends and the next begins, threads need both."""

_reading = Lock()


@dataclass(frozen=True)
class VolumeHeader:
    """What a volume's header says.

    Attributes:
        shape: Slices, rows and columns.
        spacing: Millimetres between slices, rows and columns.
        notes: What is assumed of it.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    notes: tuple[str, ...] = ()


def suffix_of(path: str) -> str:
    """The file type of a path in lower case, with `.nii.gz` as one; "" without."""
    name = path.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else os.path.splitext(name)[1]


def is_volume(path: str) -> bool:
    """Whether a path has the file type of a volume."""
    return suffix_of(path) in READERS


def read_header(file: str) -> VolumeHeader:
    """Read a volume's header.

    Raises:
        ValueError: It is no volume of three axes, or its place in space is broken.
        DataError: The format's library is not installed.
    """
    header = _called(READERS[suffix_of(file)].header, file)
    if min(header[0]) < 1:
        raise ValueError(f"is a volume of {' x '.join(map(str, header[0]))} voxels")
    if not np.isfinite(header[1]).all() or min(header[1]) <= 0:
        raise ValueError("does not say the size of its voxels")
    return VolumeHeader(*header)


def read_volume(file: str) -> np.ndarray:
    """All values of a volume, float32 [slices, rows, columns], read-only.

    The slices count from the feet upwards; the patient's front is above, and the left on the
    image's right. The last volumes stay in memory until `forget`; one is read at a time.

    Raises:
        ValueError: It is damaged, has no three axes, or holds voxels that are no finite numbers.
        DataError: The format's library is not installed.
    """
    state = os.stat(file)
    with _reading:
        return _whole(file, state.st_size, state.st_mtime_ns)


def forget() -> None:
    """Free the memory of the last volumes."""
    with _reading:
        _whole.cache_clear()


@lru_cache(maxsize=KEPT)
def _whole(file: str, size: int, changed: int) -> np.ndarray:
    volume = _called(READERS[suffix_of(file)].volume, file)
    if bad := int(volume.size - np.isfinite(volume).sum()):
        raise ValueError(f"holds {bad} voxels that are NaN or infinite")
    volume.flags.writeable = False
    return volume


def _called(read, file: str):  # type: ignore[no-untyped-def]
    """What a reader returns; libraries raise errors of all kinds for damaged files."""
    try:
        if Path(file).stat().st_size == 0:
            raise ValueError("is empty")
        return read(file)
    except (DataError, ValueError, OSError) as error:
        if isinstance(error, DataError) or type(error) is ValueError:
            raise
        raise ValueError(f"cannot be read ({type(error).__name__})") from error
    except Exception as error:
        raise ValueError(f"cannot be read ({type(error).__name__})") from error
