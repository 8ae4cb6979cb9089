"""Which values become black and white: windows on Hounsfield units, one range for all others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.arrays import in_threads
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.files import recall, remember
from data_modules.formats.dicom import read_frame
from data_modules.formats.images import GREY, is_picture
from data_modules.formats.pictures import MAYBE_DEEP, deep_values, is_deep
from data_modules.formats.places import HOUNSFIELD, Levels, Range, place_of
from data_modules.formats.windows import window_levels, window_name
from data_modules.samples import LEVELS, UNIT, Samples, texts

VERSION = 1  # of what is found in files: raise it when that changes
PERCENTILES = (0.1, 99.9)
MOST_FILES, MOST_VALUES = 1000, 1 << 14
"""Files that are looked at for a range, and values of each."""


def with_levels(
    samples: Samples,
    window: Any,
    value_range: Any = None,
    hashes: FileHashes | None = None,
) -> Samples:
    """State the grey levels of every image whose values are more than grey levels.

    Args:
        samples: The data set; scans have their `unit`.
        window: The window on Hounsfield units; see `data_modules.formats.windows`.
        value_range: The smallest and the largest value of images of more than 8 bits that are in no
            Hounsfield units. None takes the 0.1 and the 99.9 percentile over all of them, found
            once; of more than 1,000 images 1,000 are looked at, evenly spread.
        hashes: What hashes the files, and whose folder keeps what was found; None keeps nothing.

    Returns:
        The samples with the columns `unit`, `levels` and `window`, and notes on them; as they are
        where all images are of 8 bits.

    Raises:
        DataError: The window or the range is none, or the table names another window.
    """
    wanted, stated = window_levels(window), checked_range(value_range)
    units = texts(samples.table[UNIT]) if UNIT in samples.table else [""] * len(samples)
    for row in _deep_rows(samples, units, hashes):
        units[row] = GREY
    if not any(units):
        return samples
    in_hu = np.array([unit == HOUNSFIELD for unit in units])
    grey = np.array([unit == GREY for unit in units])
    notes, levels = [], np.full(len(samples), "", dtype=object)
    names = np.full(len(samples), "", dtype=object)
    if "window" in samples.table:
        names[:] = texts(samples.table["window"])
    if in_hu.any():
        _check_names(samples, set(names[in_hu]), window_name(window))
        levels[in_hu], names[in_hu] = str(wanted), window_name(window)
        notes.append(_window_note(int(in_hu.sum()), window, wanted))
    if grey.any():
        found, note = _range(samples, np.flatnonzero(grey).tolist(), stated, hashes)
        levels[grey] = str(Levels((found,)))
        notes.append(note)
    table = samples.table.assign(unit=units, levels=levels, window=names)
    return replace(samples, table=table, notes=(*samples.notes, *notes))


def levels_by_unit(samples: Samples) -> dict[str, str]:
    """The grey levels of each unit, where its images all have the same."""
    if LEVELS not in samples.table:
        return {}
    pairs = samples.table[[UNIT, LEVELS]].drop_duplicates()
    pairs = pairs[(pairs[LEVELS] != "") & ~pairs[UNIT].duplicated(keep=False)]
    return dict(zip(texts(pairs[UNIT]), texts(pairs[LEVELS]), strict=True))


def checked_range(value_range: Any) -> Range | None:
    """The option `range` as two numbers; None where it is not set.

    Raises:
        DataError: It is no range.
    """
    if value_range is None:
        return None
    listed = list(value_range) if isinstance(value_range, list | tuple) else []
    good = len(listed) == 2 and all(type(one) in (int, float) for one in listed)
    if not good or not np.isfinite(listed).all() or listed[0] >= listed[1]:
        raise DataError(
            f"data.options.range: {value_range!r} is no range; write the smallest and the largest "
            "value, as in [0, 4095]"
        )
    return float(listed[0]), float(listed[1])


def _check_names(samples: Samples, stated: set[str], name: str) -> None:
    if others := sorted(stated - {"", name}):
        raise DataError(
            f"{samples.root}: the column window says '{others[0]}' of images in Hounsfield units, "
            f"and data.window is {name}; make them agree"
        )


def _window_note(count: int, window: Any, levels: Levels) -> str:
    ranges = ", ".join(f"{low:g} to {high:g}" for low, high in levels.ranges)
    name = window_name(window)
    return f"{count} images are in Hounsfield units: seen is the window {name} ({ranges})"


def _deep_rows(samples: Samples, units: Sequence[str], hashes: FileHashes | None) -> list[int]:
    """The rows of pictures of more than 8 bits."""
    paths = samples.absolute_paths()
    rows = [
        row
        for row, path in enumerate(paths)
        if not units[row] and path.lower().endswith(MAYBE_DEEP)
    ]
    if not rows:
        return []
    memo = _memo("deep", [paths[row] for row in rows], hashes)
    found = None if memo is None else recall(memo)
    if found is None:
        deep = in_threads(lambda row: is_deep(Path(paths[row])), rows)
        found = [place for place, is_one in enumerate(deep) if is_one]
        if memo is not None:
            remember(memo, found)
    return [rows[place] for place in found]


def _range(
    samples: Samples, rows: list[int], stated: Range | None, hashes: FileHashes | None
) -> tuple[Range, str]:
    """The range of grey values, and a note on it."""
    said = f"{len(rows)} images have more than 8 bits and are not in Hounsfield units: "
    if stated is not None:
        return (
            stated,
            f"{said}{stated[0]:g} is black and {stated[1]:g} white, as options.range says",
        )
    paths = samples.absolute_paths()
    chosen = np.linspace(0, len(rows) - 1, min(MOST_FILES, len(rows))).astype(int)
    files = [paths[rows[place]] for place in chosen]
    memo = _memo("range", files, hashes)
    known = None if memo is None else recall(memo)
    found = found_range(files) if known is None else (known[0], known[1])
    if memo is not None and known is None:
        remember(memo, found)
    return found, (
        f"{said}{found[0]:g} is black and {found[1]:g} white, between which 99.8 % of the values "
        f"of {len(files)} of them lie; options.range states another range"
    )


def found_range(files: Sequence[str]) -> Range:
    """The 0.1 and the 99.9 percentile over the values of images of more than 8 bits."""
    parts = [one for one in in_threads(_some_values, files) if one is not None and len(one)]
    if not parts:
        return 0.0, 1.0  # none can be read, which is said when they are decoded
    low, high = np.percentile(np.concatenate(parts), PERCENTILES)
    return float(low), float(high if high > low else low + 1)


def _some_values(file: str) -> np.ndarray | None:
    """At most `MOST_VALUES` finite values of an image; None where it cannot be read."""
    place = place_of(file)
    try:
        if is_picture(place.file):
            values = deep_values(Path(place.file))
        else:
            values = read_frame(place.file, place.number).values
    except Exception:  # said when it is decoded
        return None
    if values is None:
        return None
    flat = values.ravel()
    flat = flat[:: max(1, len(flat) // MOST_VALUES)]
    return flat[np.isfinite(flat)]


def _memo(name: str, files: Sequence[str], hashes: FileHashes | None) -> Path | None:
    """Where is kept what was found in files of these contents; None where that is not asked for."""
    if hashes is None:
        return None
    return hashes.folder / f"levels_v{VERSION}" / f"{name}-{hashes.together(files)}.json"
