"""NIfTI volumes by nibabel, in the patient's directions.

Cox et al., "A (sort of) new image data format standard: NIfTI-1", 2004.
"""

from typing import Any

import numpy as np

from data_modules.formats.libraries import library

Header = tuple[tuple[int, int, int], tuple[float, float, float], tuple[str, ...]]
OBLIQUE = 0.9
"""Cosine to the patient's axis, below which slices are named oblique: about 25 degrees."""


def header(file: str) -> Header:
    """Slices, rows and columns, the millimetres between them, and what is assumed.

    Raises:
        ValueError: It is no volume of three axes, or its affine is broken.
    """
    image = _opened(file)
    shape, zooms = image.shape, image.header.get_zooms()
    notes = []
    if not (image.header["sform_code"] or image.header["qform_code"]):
        notes.append("a NIfTI file states no orientation: its third axis is taken as axial")
    elif np.abs(image.affine[:3, :3] / np.linalg.norm(image.affine[:3, :3], axis=0)).max(
        0
    ).min() < (OBLIQUE):
        notes.append("WARNING: a volume lies obliquely: its slices are not quite axial")
    x, y, z = (float(step) for step in zooms[:3])
    return (shape[2], shape[1], shape[0]), (z, y, x), tuple(notes)


def volume(file: str) -> np.ndarray:
    """Values as the header scales them, float32 [slices, rows, columns].

    Raises:
        ValueError: As of `header`.
    """
    values = np.asarray(_opened(file).get_fdata(dtype=np.float32, caching="unchanged"))
    values = values.reshape(values.shape[:3])
    return np.ascontiguousarray(values[::-1, ::-1].transpose(2, 1, 0))


def _opened(file: str) -> Any:
    """The image, its axes turned to the patient's right, front and head."""
    nibabel = library("nibabel")
    try:
        image = nibabel.load(file)
    except Exception as error:  # damaged files make it raise errors of many kinds
        raise ValueError(f"is no NIfTI file that can be read ({type(error).__name__})") from error
    shape = image.shape
    if len(shape) < 3 or any(size != 1 for size in shape[3:]):
        size = " x ".join(map(str, shape))
        raise ValueError(f"has {len(shape)} axes ({size}), and a volume has three; save one volume")
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError("has a broken affine, so that its directions are not known")
    if image.get_data_dtype().fields or image.get_data_dtype().kind == "c":
        raise ValueError("holds colours or complex numbers, and no values")
    return nibabel.as_closest_canonical(image)
