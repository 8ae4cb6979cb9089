"""The slices of scans that show lungs, and those of a scan that differ most."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from data_modules.audit.boxes import Boxes
from data_modules.audit.shares import content_shares
from data_modules.audit.thumbnails import thumbnails
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.formats.places import HOUNSFIELD, with_levels
from data_modules.formats.windows import window_levels
from data_modules.samples import UNIT, Samples, texts
from data_modules.slices import Slices

SCAN = ["source", "patient", "study"]
LUNG_WINDOW = str(window_levels("lung"))


def choose_slices(
    samples: Samples, wanted: Slices, hashes: FileHashes | None, boxes: Boxes | None
) -> Samples:
    """Take the slices of scans that are asked for; pictures all stay.

    Lungs are looked for in the lung window, whatever window is seen. A slice that cannot be read
    stays, for whoever decodes it to say why.

    Args:
        samples: The data set, its grey levels stated.
        wanted: What is asked for; `every` was seen to before.
        hashes: What hashes the files, and whose folder keeps what was found; None keeps nothing.
        boxes: What says which share of a slice is lung.

    Returns:
        The samples that are left, with a note on how many are not.

    Raises:
        DataError: Nothing that finds lungs is given, or no slice is left.
    """
    if not wanted.looks or "slice" not in samples.table:
        return samples
    if hashes is None:
        with TemporaryDirectory() as folder:
            return choose_slices(samples, wanted, FileHashes(Path(folder)), boxes)
    keep = np.ones(len(samples), dtype=bool)
    scans = (samples.table["slice"] != "").to_numpy()
    notes = []
    if wanted.lungs:
        keep &= ~scans | (_lung_shares(samples, scans, hashes, boxes) >= wanted.lungs)
        what = f"show less than {wanted.lungs:.3g} of lung"
        notes.append(_note(samples, scans, keep, what))
    if wanted.different:
        before = keep.copy()
        keep &= ~scans | _most_different(samples, keep & scans, wanted.different, hashes)
        what = f"are not among the {wanted.different} most different of their scans"
        notes.append(_note(samples, scans & before, keep, what))
    if not keep.any():
        raise DataError(f"{samples.root}: data.options.slices leaves no slice; {notes[0]}")
    kept = samples.subset(keep)
    return replace(kept, notes=(*samples.notes, *notes, *_emptied(samples, scans, keep)))


def _lung_shares(
    samples: Samples, scans: np.ndarray, hashes: FileHashes, boxes: Boxes | None
) -> np.ndarray:
    """Which share of each image is lung, float64 [N]; 1 where it cannot be read or is no slice."""
    if boxes is None or boxes.share is None:
        raise DataError("data.options.slices: nothing that finds lungs is given to data_modules")
    units = texts(samples.table[UNIT]) if UNIT in samples.table else [""] * len(samples)
    files = [
        with_levels(path, LUNG_WINDOW) if unit == HOUNSFIELD else seen
        for path, seen, unit in zip(samples.absolute_paths(), samples.images(), units, strict=True)
    ]
    own = [file for file, is_slice in zip(files, scans, strict=True) if is_slice]
    shares = np.ones(len(samples))
    shares[scans] = content_shares(own, hashes.of(own), hashes.folder, boxes)
    return np.nan_to_num(shares, nan=1.0)


def _most_different(
    samples: Samples, among: np.ndarray, count: int, hashes: FileHashes
) -> np.ndarray:
    """Which of some slices are the most different of their scan, or cannot be read, bool [N]."""
    rows = np.flatnonzero(among)
    files = samples.images()
    own = [files[row] for row in rows]
    readable, pictures = thumbnails(own, hashes.of(own), hashes.folder)
    chosen = np.zeros(len(samples), dtype=bool)
    chosen[rows[~readable]] = True
    rows, pictures = rows[readable], pictures[readable]
    for places in _by_scan(samples.table.iloc[rows]):
        flat = pictures[places].reshape(len(places), -1).astype(np.float32)
        chosen[rows[places[farthest_points(flat, count)]]] = True
    return chosen


def _by_scan(table: pd.DataFrame) -> Iterator[np.ndarray]:
    """The places of each scan's slices, in the order of the numbers that their names hold."""
    names = texts(table["slice"])
    for scan in table.groupby(SCAN, sort=False).indices.values():
        yield np.array(sorted(scan, key=lambda place: _in_order(names[place])))


def _in_order(name: str) -> list[tuple[int, str]]:
    """By what names are sorted so that IM2 comes before IM10."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def farthest_points(points: np.ndarray, count: int) -> np.ndarray:
    """The places of so many points that are far from each other, int64 [k], in ascending order.

    The first is the one nearest to the mean, each next one the farthest from those before
    (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985): the point that is
    farthest from a chosen one is at most twice as far as with the best choice. Of equals the first
    is taken.

    Args:
        points: float [N, D].
        count: How many; all where there are no more.
    """
    count = min(count, len(points))
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())]
    nearest = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < count:
        nearest[chosen] = -1
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.sort(chosen)


def _note(samples: Samples, scans: np.ndarray, keep: np.ndarray, what: str) -> str:
    out = scans & ~keep
    such = f", such as {samples.table['path'][out].iloc[0]}" if out.any() else ""
    return f"{int(out.sum())} of {int(scans.sum())} slices are left out: they {what}{such}"


def _emptied(samples: Samples, scans: np.ndarray, keep: np.ndarray) -> list[str]:
    """A warning on scans of which no slice is left."""
    left = samples.table[scans].assign(kept=keep[scans]).groupby(SCAN, sort=False)["kept"].any()
    if left.all():
        return []
    first = left.index[~left][0][-1]
    return [f"WARNING: of {(~left).sum()} of {len(left)} scans no slice is left, such as {first}"]
