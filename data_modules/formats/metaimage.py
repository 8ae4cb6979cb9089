"""MetaImage and NRRD volumes by SimpleITK, in the patient's directions."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.formats.libraries import library

Header = tuple[tuple[int, int, int], tuple[float, float, float], tuple[str, ...]]
DETACHED = (".mhd", ".nhdr")
"""File types of headers whose values lie in another file."""
DATA_FILE = re.compile(r"^(?:ElementDataFile *=|data ?file *:) *(\S.*?)\s*$", re.MULTILINE)
MOST_HEADER = 1 << 16


def header(file: str) -> Header:
    """Slices, rows and columns, the millimetres between them, and what is assumed.

    Raises:
        ValueError: It is no volume of three axes and one value per voxel.
    """
    sitk = library("SimpleITK")
    reader = _reader(file)
    size, spacing = reader.GetSize(), reader.GetSpacing()
    directions = np.reshape(reader.GetDirection(), (len(size), len(size)))[:3, :3]
    order = [int(np.abs(directions[axis]).argmax()) for axis in (2, 1, 0)]
    if sorted(order) != [0, 1, 2]:
        raise ValueError("has broken directions")
    if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise ValueError("holds complex numbers, and no values")
    shape, steps = [size[axis] for axis in order], [spacing[axis] for axis in order]
    return (shape[0], shape[1], shape[2]), (steps[0], steps[1], steps[2]), ()


def volume(file: str) -> np.ndarray:
    """Values, float32 [slices, rows, columns].

    Raises:
        ValueError: As of `header`.
    """
    sitk = library("SimpleITK")
    header(file)
    reader = _reader(file)
    reader.SetOutputPixelType(sitk.sitkFloat32)
    image = reader.Execute()
    if image.GetDimension() > 3:
        image = image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    return sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS"))


def _reader(file: str) -> Any:
    sitk = library("SimpleITK")
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # else C++ writes to the terminal
    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ValueError("is no MetaImage or NRRD file that can be read") from error
    size = reader.GetSize()
    if len(size) < 3 or any(one != 1 for one in size[3:]):
        shape = " x ".join(map(str, size))
        raise ValueError(f"has {len(size)} axes ({shape}), and a volume has three; save one volume")
    if reader.GetNumberOfComponents() != 1:
        raise ValueError("holds several values for each voxel, and a volume has one")
    return reader


def data_file(file: str) -> str | None:
    """The file that holds the values of a detached header (`.mhd`, `.nhdr`); None where it does.

    A header that names a list of files, or cannot be read, names none here.
    """
    try:
        text = Path(file).read_bytes()[:MOST_HEADER].decode("latin-1")
    except OSError:
        return None
    found = DATA_FILE.search(text)
    if found is None or found[1].upper() in ("LOCAL", "LIST"):
        return None
    return os.path.join(os.path.dirname(file), found[1])
