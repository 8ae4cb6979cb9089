"""What the tags of a DICOM image say that matters here, and what is assumed where they are silent.

DICOM PS3.3; enhanced multi-frame images keep theirs in functional groups (C.7.6.16).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_modules.errors import DataError
from data_modules.formats.places import HOUNSFIELD

CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1")
"""CT Image Storage, and Enhanced CT Image Storage."""
ENHANCED = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
DIRECTORY = "1.2.840.10008.1.3.10"
GREY, COLOUR = (
    ("MONOCHROME1", "MONOCHROME2"),
    ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"),
)
PERSON = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate")
NO_RESCALE = "RescaleSlope and RescaleIntercept are missing: stored values are taken as {}"
NO_MODALITY = (
    "no Modality: values are taken as Hounsfield units, as they are stored like those of CT"
)
AXIAL = 0.9
"""Cosine between a slice's normal and the body's axis, below which it is not called axial."""
MOST_FRAMES = 100_000
NOWHERE = (float("nan"),) * 3


class Refused(ValueError):
    """Why a DICOM file is not read, in words that quote no tag."""


@dataclass(frozen=True)
class Header:
    """A DICOM image.

    Attributes:
        series: SeriesInstanceUID, "" where it is missing.
        instance: SOPInstanceUID.
        person: PatientID with its issuer, or else name and birth date; "" where these are missing.
        names: The words of PatientID and PatientName.
        shape: Rows and columns.
        frames: How many images it holds.
        volume: Whether its frames are several slices with places of their own.
        unit: "HU", "grey" (values of no stated range), or "" (8 bits, or colours).
        colours: Whether pixels are colours.
        inverted: Whether the smallest value is white (MONOCHROME1).
        rescale: Slope and intercept of each frame.
        positions: Millimetres [frames, 3] of the first pixel of each frame; NaN where unknown.
        directions: Of rows and columns, [2, 3]; None where unknown.
        spacing: Millimetres between rows and between columns; None where unknown.
        number: InstanceNumber.
        localizer: Whether it is a scout view.
        tilt: Of the gantry, in degrees.
        assumed: What is assumed of it.
    """

    series: str
    instance: str
    person: str
    names: tuple[str, ...]
    shape: tuple[int, int]
    frames: int
    volume: bool
    unit: str
    colours: bool
    inverted: bool
    rescale: tuple[tuple[float, float], ...]
    positions: np.ndarray
    directions: np.ndarray | None
    spacing: tuple[float, float] | None
    number: int | None
    localizer: bool
    tilt: float
    assumed: tuple[str, ...]

    def heights(self) -> np.ndarray:
        """Millimetres of each frame along the normal of its plane, from the feet upwards."""
        if self.directions is None:
            return np.full(self.frames, np.nan)
        normal = np.cross(*self.directions)
        axis = int(np.abs(normal).argmax())
        return self.positions @ (normal * np.sign(normal[axis]))

    def is_axial(self) -> bool:
        """Whether its plane is nearly across the body's axis; True where it is not known."""
        return self.directions is None or abs(np.cross(*self.directions)[2]) >= AXIAL

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """An axial slice, [rows, columns], turned: the patient's front above, left on right."""
        if self.directions is None or not self.is_axial():
            return pixels
        along_row, along_column = self.directions
        if abs(along_row[1]) > abs(along_row[0]):
            pixels, along_row, along_column = pixels.T, along_column, along_row
        pixels = pixels[:, ::-1] if along_row[0] < 0 else pixels
        return pixels[::-1] if along_column[1] < 0 else pixels


def header_of(dataset: Any) -> Header:
    """What the tags of a dataset of pydicom's say.

    Raises:
        Refused: It is no image, or what it says contradicts itself.
    """
    with tags_unquoted():
        return _header(dataset)


@contextmanager
def tags_unquoted() -> Iterator[None]:
    """Says that tags are of a wrong kind without the error's own text, which may quote them."""
    try:
        yield
    except (Refused, DataError):
        raise
    except Exception as error:
        raise Refused(f"has tags that cannot be read ({type(error).__name__})") from None


def _header(dataset: Any) -> Header:
    meta = getattr(dataset, "file_meta", {})
    if DIRECTORY in (str(meta.get("MediaStorageSOPClassUID")), str(dataset.get("SOPClassUID"))):
        raise Refused("is a DICOMDIR, an index of other files; name the files themselves")
    shape = _whole(dataset, "Rows"), _whole(dataset, "Columns")
    if not all(shape):
        raise Refused("is a DICOM file without an image (no Rows or Columns)")
    frames = max(1, _whole(dataset, "NumberOfFrames") or 1)
    if frames > MOST_FRAMES:
        raise Refused(f"says that it holds {frames} frames, more than {MOST_FRAMES}")
    groups = _FrameGroups(dataset, frames)
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    colours = photometric in COLOUR
    if photometric not in (*GREY, *COLOUR):
        raise Refused(f"has pixels of the kind '{photometric[:20]}', which are not read")
    rescale, stated = groups.rescale()
    unit, assumed = _unit(dataset, colours, rescale, stated)
    positions, directions = groups.positions(), groups.directions()
    placed = bool(np.isfinite(positions).all()) and directions is not None
    apart = len(np.unique(positions, axis=0)) == frames
    kinds = [str(kind).upper() for kind in _listed(dataset.get("ImageType"))]
    return Header(
        series=str(dataset.get("SeriesInstanceUID") or ""),
        instance=str(dataset.get("SOPInstanceUID") or ""),
        person=_person(dataset),
        names=names_of(dataset),
        shape=(int(shape[0] or 0), int(shape[1] or 0)),
        frames=frames,
        volume=frames > 1 and placed and apart,
        unit=unit,
        colours=colours,
        inverted=photometric == "MONOCHROME1",
        rescale=rescale,
        positions=positions,
        directions=directions,
        spacing=groups.spacing(),
        number=_whole(dataset, "InstanceNumber"),
        localizer="LOCALIZER" in kinds,
        tilt=_number(dataset.get("GantryDetectorTilt")) or 0.0,
        assumed=assumed,
    )


def _unit(
    dataset: Any, colours: bool, rescale: tuple[tuple[float, float], ...], stated: bool
) -> tuple[str, tuple[str, ...]]:
    """The unit of the values, and what is assumed of it."""
    bits = _whole(dataset, "BitsAllocated") or 16
    if colours:
        return "", ()
    modality = str(dataset.get("Modality") or "")
    is_ct = modality == "CT" or (not modality and str(dataset.get("SOPClassUID")) in CT_CLASSES)
    lookup = "" if stated else NO_RESCALE
    if is_ct and bits > 8:
        return HOUNSFIELD, (lookup.format("Hounsfield units"),) if lookup else ()
    if (
        not modality
        and bits > 8
        and (dataset.get("PixelRepresentation") == 1 or rescale[0][1] < -500)
    ):
        return HOUNSFIELD, (NO_MODALITY, *((lookup.format("Hounsfield units"),) if lookup else ()))
    return ("grey", ()) if bits > 8 else ("", ())


def _person(dataset: Any) -> str:
    number, issuer, name, birth = (str(dataset.get(tag) or "").strip() for tag in PERSON)
    if number:
        return f"{number}|{issuer}"
    return f"{name}|{birth}" if name else ""


def names_of(dataset: Any) -> tuple[str, ...]:
    """The words of PatientID and PatientName of a dataset of pydicom's."""
    said = f"{dataset.get('PatientID') or ''} {dataset.get('PatientName') or ''}"
    return tuple(re.split(r"[\s^=,]+", said.strip()))


class _FrameGroups:
    """The tags of frames, wherever the file keeps them."""

    def __init__(self, dataset: Any, frames: int) -> None:
        self._dataset, self._frames = dataset, frames
        self._shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
        self._own = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
        if self._own and len(self._own) != frames:
            raise Refused(f"says that it holds {frames} frames, and describes {len(self._own)}")

    def rescale(self) -> tuple[tuple[tuple[float, float], ...], bool]:
        """Slope and intercept of each frame, and whether the file states them."""
        pairs, stated = [], True
        for frame in range(self._frames):
            slope = _number(self._tag(frame, "PixelValueTransformationSequence", "RescaleSlope"))
            shift = _number(
                self._tag(frame, "PixelValueTransformationSequence", "RescaleIntercept")
            )
            stated = stated and slope is not None and shift is not None
            if slope == 0:
                raise Refused("has a RescaleSlope of 0, so that its pixels have no values")
            pairs.append((1.0 if slope is None else slope, 0.0 if shift is None else shift))
        return tuple(pairs), stated

    def positions(self) -> np.ndarray:
        """Float64 [frames, 3], NaN where they are not known."""
        tags = (
            self._tag(frame, "PlanePositionSequence", "ImagePositionPatient")
            for frame in range(self._frames)
        )
        return np.array([_numbers(tag, 3) or NOWHERE for tag in tags], dtype=np.float64)

    def directions(self) -> np.ndarray | None:
        """Float64 [2, 3], of the first frame."""
        found = _numbers(self._tag(0, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
        if found is None:
            return None
        both = np.reshape(found, (2, 3))
        good = np.allclose(np.linalg.norm(both, axis=1), 1, atol=0.01)
        return both if good and abs(both[0] @ both[1]) < 0.01 else None

    def spacing(self) -> tuple[float, float] | None:
        """Millimetres between rows and between columns."""
        found = _numbers(self._tag(0, "PixelMeasuresSequence", "PixelSpacing"), 2)
        found = found or _numbers(self._dataset.get("ImagerPixelSpacing"), 2)
        return None if found is None or min(found) <= 0 else (found[0], found[1])

    def _tag(self, frame: int, group: str, tag: str) -> Any:
        for holder in (*self._own[frame : frame + 1], *self._shared):
            for item in holder.get(group) or []:
                if tag in item:
                    return item.get(tag)
        return self._dataset.get(tag)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """So many finite numbers; None where the tag holds others."""
    if value is None or isinstance(value, str) or not hasattr(value, "__len__"):
        return None
    numbers = [_number(one) for one in value]
    if len(numbers) != count or None in numbers:
        return None
    return tuple(one for one in numbers if one is not None)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _whole(dataset: Any, tag: str) -> int | None:
    number = _number(dataset.get(tag))
    return None if number is None else int(number)
