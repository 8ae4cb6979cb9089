"""DICOM series: their files in the order of their slices, and what is odd about them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from data_modules.formats.dicom_header import Header
from data_modules.formats.places import place_of, slice_paths

AnyHeader = TypeVar("AnyHeader", bound=Header)
GAP = 1.5
"""A step of so many usual ones leaves out slices."""
UNEVEN = 0.1
"""By which share steps differ that are called uneven."""
TOUCH = 1e-3
"""Millimetres within which two slices have one position."""
TILTED = 0.5
"""Degrees from which a gantry is called tilted."""


@dataclass
class Series(Generic[AnyHeader]):
    """The images of one series.

    Attributes:
        paths: In the order of their slices, from the feet upwards where positions are known.
        headers: The header of each one's file.
        odd: What is odd about it, by a few words.
    """

    paths: list[str]
    headers: list[AnyHeader]
    odd: list[str] = field(default_factory=list)


def ordered_series(members: Sequence[tuple[str, AnyHeader]]) -> Series[AnyHeader]:
    """Sort the files of one series by position, and look for what is odd.

    Localizers and copies of one instance are left out. A file of several frames counts once for
    each.

    Args:
        members: Path and header of each file of the series.
    """
    odd = []
    kept = [one for one in members if not one[1].localizer]
    if len(kept) < len(members):
        odd.append("localizers are left out")
    first = {header.instance or path: (path, header) for path, header in reversed(kept)}
    if len(first) < len(kept):
        odd.append("copies of one instance (SOPInstanceUID) are left out")
    unique = [one for one in kept if first[one[1].instance or one[0]] == one]
    images = [
        (name, header, height) for path, header in unique for name, height in _slices(path, header)
    ]
    heights = np.array([height for *_, height in images])
    placed = bool(np.isfinite(heights).all())
    if not placed and len(images) > 1:
        odd.append("positions are missing: slices are sorted by InstanceNumber and name")
    images.sort(key=lambda one: (one[2] if placed else 0.0, one[1].number or 0, one[0]))
    series = Series([one[0] for one in images], [one[1] for one in images], odd)
    odd += [*_step_faults(np.sort(heights)), *_header_faults(series.headers)] if placed else []
    return series


def _slices(path: str, header: Header) -> list[tuple[str, float]]:
    """The path and height of each image of a file, or of the one frame that its path names."""
    heights, number = header.heights().tolist(), place_of(path).number
    if number is not None:
        return [(path, heights[number] if number < len(heights) else float("nan"))]
    if header.frames == 1:
        return [(path, heights[0])]
    names = slice_paths(path, range(header.frames), header.frames)
    return list(zip(names, heights, strict=True))


def _step_faults(heights: np.ndarray) -> list[str]:
    """What is odd about the steps between slices, in millimetres."""
    steps = np.diff(heights)
    if not len(steps):
        return []
    faults = []
    if (steps < TOUCH).any():
        faults.append("several slices have one position (phases or copies)")
        steps = steps[steps >= TOUCH]
    usual = float(np.median(steps)) if len(steps) else 0.0
    if (steps > GAP * usual).any():
        faults.append("slices are missing (gaps)")
    elif (np.abs(steps - usual) > UNEVEN * usual).any():
        faults.append("slices are unevenly spaced")
    return faults


def _header_faults(headers: Sequence[Header]) -> list[str]:
    faults = []
    if len({header.shape for header in headers}) > 1:
        faults.append("images are of several sizes")
    planes = {
        tuple(np.round(one.directions, 2).ravel()) for one in headers if one.directions is not None
    }
    if len(planes) > 1:
        faults.append("slices are not parallel")
    if not all(header.is_axial() for header in headers):
        faults.append("slices are not axial")
    if any(abs(header.tilt) > TILTED for header in headers):
        faults.append("the gantry was tilted")
    if len({header.unit for header in headers}) > 1:
        faults.append("values are of several kinds")
    return faults


def odd_notes(odd: dict[str, list[str]]) -> list[str]:
    """A line on each kind of odd series, with how many there are and one of them.

    Args:
        odd: What is odd about each, by a path of it.
    """
    counted = Counter(fault for faults in odd.values() for fault in faults)
    return [
        f"WARNING: {fault} in {count} series, such as that of "
        f"{next(path for path, faults in odd.items() if fault in faults)}"
        for fault, count in counted.items()
    ]
