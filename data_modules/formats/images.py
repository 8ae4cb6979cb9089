"""Reading any image, a file or a slice of one, to uint8 pixels."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from data_modules.errors import DataError
from data_modules.fit import stored_size
from data_modules.formats import pictures
from data_modules.formats.dicom import Frame, is_dicom, read_frame, read_header
from data_modules.formats.pictures import MODES, Decoded
from data_modules.formats.places import HOUNSFIELD, Levels, Place, file_of, place_of
from data_modules.formats.volumes import is_volume, read_volume, suffix_of
from data_modules.formats.volumes import read_header as read_volume_header
from data_modules.formats.windows import DEFAULT, LEAST_AIR, in_levels, window_levels
from data_modules.formats.zoom import Zoom, at_spacing

GREY = "grey"
"""The unit of values of more than 8 bits that are no Hounsfield units."""
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
DEFAULTS: Mapping[str, Levels] = {HOUNSFIELD: window_levels(DEFAULT)}
"""What is seen of values by their unit, where the path does not say it."""


def read_image(
    path: Path | str,
    size: tuple[int, int] | None,
    channels: int,
    fit: str = "stretch",
    defaults: Mapping[str, Levels] = DEFAULTS,
    spacing: float | None = None,
) -> Decoded:
    """Read and resize an image: a picture, a DICOM file or frame, or a slice of a volume.

    Values become grey levels before they are resized, as `data_modules.formats.windows` says.

    Args:
        path: A file, with a slice's number and grey levels where it has them; see
            `data_modules.formats.places`.
        size: Height and width to look at in pixels; None keeps the image's own.
        channels: 1 for grey, 3 for colour. Three windows are three channels, of which the first
            stands for all where one is asked for.
        fit: As of `data_modules.fit.stored_size`.
        defaults: The grey levels by unit ("HU" or "grey"), for paths that state none.
        spacing: Millimetres per pixel that it is looked at with, for paths that state no zoom. An
            image that is stretched, or keeps its own size, is neither zoomed nor cut.

    Returns:
        uint8 [channels, height, width], and the image's own height and width; of one that is looked
        at with a spacing, of the part that is seen.

    Raises:
        ValueError: It cannot be read, its values have no known meaning, or it does not state the
            spacing that is needed.
        DataError: A format's library is not installed.
        Exception: Any kind that Pillow raises for a picture that is damaged.
    """
    place = place_of(str(path))
    zoomed = size is not None and fit != "stretch"
    zoom = (place.zoom or _own_zoom(place.file, spacing)) if zoomed else None
    if zoom is not None and size is not None:
        layers, _ = read_image(_without_zoom(str(path)), None, channels, fit, defaults)
        return at_spacing(layers, size, zoom)
    if is_picture(place.file):
        levels = place.levels or defaults.get(GREY)
        return pictures.read_picture(
            Path(place.file), size, channels, fit, levels.ranges[0] if levels else None
        )
    if is_volume(place.file):
        pixels = _volume_pixels(place, defaults)
    else:
        pixels = _dicom_pixels(place, channels, defaults)
    own = (pixels.shape[1], pixels.shape[2])
    height, width = own if size is None else stored_size(own, size, fit)
    resized = [_resized(one, (width, height)) for one in _in_channels(pixels, channels)]
    return np.stack(resized), own


def try_read(
    path: Path | str,
    size: tuple[int, int],
    channels: int,
    fit: str = "stretch",
    defaults: Mapping[str, Levels] = DEFAULTS,
    spacing: float | None = None,
) -> Decoded | str:
    """What `read_image` returns, or the reason why the file cannot be read, as text.

    Raises:
        DataError: A format's library is not installed.
    """
    try:
        return read_image(path, size, channels, fit, defaults, spacing)
    except DataError:
        raise
    except UnidentifiedImageError:
        return f"is no image of the formats that are read ({', '.join(pictures.FORMATS)})"
    except Exception as error:  # damaged files make Pillow raise errors of many kinds
        return str(error) or type(error).__name__


def try_read_size(path: Path | str) -> tuple[int, int] | None:
    """Height and width in pixels by an image's header; None if unreadable."""
    place = place_of(str(path))
    if is_picture(place.file):
        return pictures.try_read_size(Path(place.file))
    try:
        if is_volume(place.file):
            return read_volume_header(place.file).shape[1:]
        return read_header(place.file).shape
    except ValueError:
        return None


def is_picture(path: Path | str) -> bool:
    """Whether a file is read by Pillow: it is neither a volume nor named or made as DICOM."""
    file = file_of(str(path))
    if suffix_of(file) in pictures.SUFFIXES:
        return True
    return not (is_volume(file) or file.lower().endswith(DICOM_SUFFIXES) or is_dicom(file))


def _without_zoom(path: str) -> str:
    return path.rpartition("~")[0] if place_of(path).zoom else path


def _own_zoom(file: str, spacing: float | None) -> Zoom | None:
    """How a file is zoomed to a spacing that its path does not state; None where none is asked."""
    if spacing is None:
        return None
    steps: tuple[float, ...] | None = None
    if is_volume(file):
        steps = read_volume_header(file).spacing[1:]
    elif not is_picture(file):
        steps = read_header(file).spacing
    if steps is None:
        raise ValueError(f"states no spacing, and is to be looked at with {spacing:g} mm per pixel")
    return steps[0] / spacing, steps[1] / spacing


def _volume_pixels(place: Place, defaults: Mapping[str, Levels]) -> np.ndarray:
    """uint8 [windows, rows, columns]."""
    volume = read_volume(place.file)
    if place.number is None:
        raise ValueError(f"holds {len(volume)} slices; name one, as in {Path(place.file).name}#000")
    if place.number >= len(volume):
        raise ValueError(f"holds {len(volume)} slices, and none of the number {place.number}")
    levels = place.levels or defaults.get(HOUNSFIELD) or defaults[GREY]
    if levels.unit and volume.min() > LEAST_AIR:
        raise ValueError(
            f"its values, {volume.min():g} to {volume.max():g}, are taken as Hounsfield units but "
            f"none shows air (below {LEAST_AIR:g}): state the range of other values in "
            "data.options.range, as in [0, 4095]"
        )
    return _levelled(volume[place.number], levels)


def _dicom_pixels(place: Place, channels: int, defaults: Mapping[str, Levels]) -> np.ndarray:
    """uint8 [windows or colours, rows, columns]."""
    frame = read_frame(place.file, place.number)
    if frame.header.colours:
        colours = Image.fromarray(frame.values).convert(MODES[channels])
        return np.asarray(colours).reshape(*frame.header.shape, channels).transpose(2, 0, 1)
    unit = frame.header.unit
    levels = place.levels or defaults.get(unit)
    if not unit:
        levels = Levels(((0.0, 255.0),))
    if levels is None:
        raise ValueError(f"its values are {unit}, of which no range is stated")
    if levels.unit != (unit if unit == HOUNSFIELD else ""):
        raise ValueError(f"its values are {unit}, and grey levels are stated for others")
    if unit == HOUNSFIELD and frame.header.assumed and not _least(frame) <= LEAST_AIR:
        raise ValueError(
            f"its values are taken as Hounsfield units ({frame.header.assumed[0]}), but none shows "
            f"air (below {LEAST_AIR:g})"
        )
    pixels = _levelled(frame.values, levels)
    if not frame.header.inverted or unit == HOUNSFIELD:
        return pixels
    return np.where(np.isnan(frame.values), 0, 255 - pixels).astype(np.uint8)


def _least(frame: Frame) -> float:
    """The smallest value of a frame; NaN where it has none."""
    return float(np.fmin.reduce(frame.values, axis=None))


def _levelled(values: np.ndarray, levels: Levels) -> np.ndarray:
    return np.stack([in_levels(values, low, high) for low, high in levels.ranges])


def _in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """The windows as so many channels: the first one alone, or repeated, where they are others."""
    return pixels if len(pixels) == channels else np.repeat(pixels[:1], channels, axis=0)


def _resized(layer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    whole = Image.fromarray(np.ascontiguousarray(layer))
    return np.asarray(whole.resize(size, Image.Resampling.BILINEAR))
