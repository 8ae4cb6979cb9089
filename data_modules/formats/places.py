"""How one path names an image: a file, a slice of a volume, and the grey levels that are seen.

`scans/a.nii.gz#012` is the slice 12 of a volume, counted from 0 and from the feet upwards, or the
frame of a multi-frame DICOM file. Behind it, `@-1350..150HU` says which values become black and
white; several ranges, apart by `|`, become channels. Behind that, `~0.47x0.5` says how many pixels
are looked at for each one of the file, see `data_modules.formats.zoom`. A table's paths never hold
these: they are columns of their own, and only what decodes or hashes pixels sees all as one text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HOUNSFIELD = "HU"
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
LEVELS = rf"{NUMBER}\.\.{NUMBER}(?:\|{NUMBER}\.\.{NUMBER})*(?:{HOUNSFIELD})?"
ZOOM = rf"{NUMBER}x{NUMBER}"
PLACE = re.compile(
    rf"(?P<file>.+?)(?:#(?P<slice>\d+))?(?:@(?P<levels>{LEVELS}))?(?:~(?P<zoom>{ZOOM}))?", re.DOTALL
)
DIGITS = 3
Range = tuple[float, float]


@dataclass(frozen=True)
class Levels:
    """Which values become black and white.

    Attributes:
        ranges: The value that becomes 0, and the one that becomes 255, a pair for each channel.
        unit: "HU" where the values must be Hounsfield units; else "".
    """

    ranges: tuple[Range, ...]
    unit: str = ""

    def __str__(self) -> str:
        return "|".join(f"{low!r}..{high!r}" for low, high in self.ranges) + self.unit


@dataclass(frozen=True)
class Place:
    """Where an image is.

    Attributes:
        file: The path of its file.
        number: Of the slice or frame in the file; None where the file is one image.
        levels: The grey levels that are seen; None where they are not stated.
        zoom: Pixels that are looked at for each one of the file, along both axes; None where the
            image is fitted whatever its spacing.
    """

    file: str
    number: int | None = None
    levels: Levels | None = None
    zoom: tuple[float, float] | None = None


def place_of(text: str) -> Place:
    """Read a path, with or without a slice and grey levels."""
    found = PLACE.fullmatch(text)
    if found is None or not (found["slice"] or found["levels"] or found["zoom"]):
        return Place(text)
    number = None if found["slice"] is None else int(found["slice"])
    levels = None if found["levels"] is None else levels_of(found["levels"])
    zoom = None if found["zoom"] is None else tuple(map(float, found["zoom"].split("x")))
    return Place(found["file"], number, levels, None if zoom is None else (zoom[0], zoom[1]))


def file_of(text: str) -> str:
    """The path of the file alone."""
    return place_of(text).file if "#" in text or "@" in text or "~" in text else text


def levels_of(text: str) -> Levels:
    """What `str` wrote of levels."""
    unit = HOUNSFIELD if text.endswith(HOUNSFIELD) else ""
    pairs = (one.split("..") for one in text.removesuffix(unit).split("|"))
    return Levels(tuple((float(low), float(high)) for low, high in pairs), unit)


def slice_paths(file: str, numbers: Sequence[int], count: int) -> list[str]:
    """The paths of slices of a file that holds `count`; their order is that of their numbers."""
    digits = max(DIGITS, len(str(count - 1)))
    return [f"{file}#{number:0{digits}}" for number in numbers]


def with_levels(path: str, levels: str) -> str:
    """A path with the grey levels that are seen, "" for none."""
    return f"{path}@{levels}" if levels else path


def with_zoom(path: str, zoom: tuple[float, float]) -> str:
    """A path with the pixels that are looked at for each one of the file, along both axes."""
    return f"{path}~{zoom[0]!r}x{zoom[1]!r}"
