"""Images that are alike though no patient says so: equal files or pixels, and nearly equal images.

An image's signature is the gradient of its 17 x 17 grey thumbnail; two images are near-duplicates
where the signatures' correlation reaches `NEAR`. Chosen on public data: neighbouring slices of one
CT stay below 0.96, a scan saved again at 0.8 of its size with JPEG quality 60 stays above 0.99.

A copy may also be mirrored, turned by quarters (the eight orientations of a square) or a negative
(a correlation below zero). There `TURNED` is asked for, as both halves of a body are alike and as
there are fifteen more chances: over all pairs of six public sets (31,000 images) the best one that
is no copy reaches 0.961 (an axial slice and another patient's, mirrored), over the phantom CTs
0.973. Copies at 0.8 of their size with JPEG quality 75, mirrored, turned or inverted, reach it in
all of 300 images of five of the sets, and in 299 of the sixth (nodules of 50 pixels).

Copies that were cropped otherwise are not alike as a whole. Where the caller can say in which box
an image's content lies, thumbnails of the boxes are compared, too, upright, by `NEAR`. Of the eight
scans that COVID-CT shows twice, seven reach 0.986 within the box of their lung field (the crop of
the eighth cuts the lungs: 0.82), five of them only there. The best pair of two persons reaches
0.889 there, 0.920 in 1,000 LUNA16 slices, 0.922 in 1,110 of MosMed and 0.957 in 640 phantom CTs.

To be quick, only `DIRECTIONS` numbers of each signature are compared first, along the directions in
which these images differ most; with the lengths of what is left they bound the correlation, so that
no pair is missed. 20,000 x 180,000 images take 4 minutes on two busy cores, where one orientation
took 2.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, islice, pairwise, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from data_modules.audit.boxes import Boxes
from data_modules.audit.thumbnails import SIDE, equal_pixels, thumbnails
from data_modules.file_hashes import FileHashes
from data_modules.files import read_json, read_signed, replace_file, signed
from data_modules.samples import SPLITS, Samples, texts

VERSION = 6  # of the signatures, of what counts as near, and of the memos
NEAR, TURNED = 0.97, 0.98
ORIENTATIONS = 8
LEAST = (NEAR, *[TURNED] * (ORIENTATIONS - 1))
"""The correlation that is asked for in each orientation that is compared."""
BOXED = (NEAR,)
"""The same of the boxes of images."""
DIRECTIONS = 64
ROWS_AT_ONCE, COLUMNS_AT_ONCE = 1024, 4096
SAMPLED = 512
FEW = 1_000_000  # pairs that are compared as they are
NO_DIRECTION = np.zeros((2 * SIDE * (SIDE - 1), 0), dtype=np.float32)
SLACK = 1e-3  # of the bound, for rounding
MOST_PAIRS = 200_000
COLUMNS = (
    *("path", "split", "other_path", "other_split", "kind", "correlation"),
    *("label", "other_label"),
)
Near = tuple[int, int, float]
Compared = Sequence[tuple[np.ndarray, np.ndarray]]


class _Side(NamedTuple):
    """Images that are compared.

    Attributes:
        rows: Their numbers.
        signatures: See `_signatures`.
        outlines: The signatures along the directions.
        rests: The lengths of what is left of them.
    """

    rows: np.ndarray
    signatures: np.ndarray
    outlines: np.ndarray
    rests: np.ndarray


def near_duplicates(
    samples: Samples, hashes: FileHashes | Path | None = None, boxes: Boxes | None = None
) -> pd.DataFrame:
    """Pairs of images that are the same file, the same pixels or nearly the same image.

    Args:
        samples: The images; a file that holds no image takes no part. Images of one split are
            compared only where the samples are `alone`, so that no patient explains a likeness.
        hashes: What hashes the files, or the folder of its memo. The folder also keeps the
            thumbnails of images seen before, and the pairs found, by the contents of the files.
            None keeps nothing.
        boxes: What finds the box of an image's content; None compares whole images alone.

    Returns:
        One row per pair, most alike first: `path`, `split`, `other_path`, `other_split`, `kind`
        ("exact": the same bytes or pixels, or "near"), `correlation` (`NEAR` to 1), of the
        orientation that fits best and without the sign of a negative, `label` and `other_label`.
        At most `MOST_PAIRS` are near. An image that is there many times is paired with some of its
        copies, which link all.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    if hashes is None:
        with TemporaryDirectory() as folder:
            return near_duplicates(samples, Path(folder), boxes)
    splits = samples.table["split"].to_numpy()
    rows = np.arange(len(samples))
    parts = [rows[splits == name] for name in SPLITS]
    across = list(combinations(parts, 2))
    own = [(part, part) for part in parts]
    if samples.alone:  # the near ones by all rows, so that their memo outlasts another split
        return _pairs(samples, samples, own + across, [(rows, rows)], FileHashes.at(hashes), boxes)
    return _pairs(samples, samples, across, across, FileHashes.at(hashes), boxes)


def near_copies(
    first: Samples, second: Samples, hashes: FileHashes, boxes: Boxes | None = None
) -> pd.DataFrame:
    """Pairs of an image of each of two data sets that are alike; see `near_duplicates`.

    The labels are left empty, as the classes of two sets need not mean the same.
    """
    rows = [(np.arange(len(first)), len(first) + np.arange(len(second)))]
    return _pairs(first, second, rows, rows, hashes, boxes)


def same_pixels(samples: Samples, hashes: FileHashes) -> np.ndarray:
    """A number for each image, int64 [N], the same where the bytes or the pixels are.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    files = samples.absolute_paths()
    return _same_pixels(files, hashes.of(files), hashes.folder)


def _same_pixels(files: list[str], contents: list[str], folder: Path) -> np.ndarray:
    memo = _memo(folder, contents, (), None)
    found = _recall(memo)
    if found is None:
        readable, pictures = thumbnails(files, contents, folder)
        found = equal_pixels(files, contents, readable, pictures).tolist()
        _remember(memo, found)
    return np.array(found, dtype=np.int64)


def _pairs(
    first: Samples,
    second: Samples,
    linked: Compared,
    compared: Compared,
    hashes: FileHashes,
    boxes: Boxes | None,
) -> pd.DataFrame:
    """The equal images of the rows that are `linked`, and the near ones of those `compared`."""
    members = [first] if first is second else [first, second]
    paths, splits, labels, files = [], [], [], []
    for samples in members:
        paths += texts(samples.table["path"])
        splits += texts(samples.table["split"])
        labels += texts(samples.table["label"]) if first is second else [""] * len(samples)
        files += samples.absolute_paths()
    contents = hashes.of(files)
    pixels = _same_pixels(files, contents, hashes.folder)
    memo = _memo(hashes.folder, contents, compared, boxes)
    found = _recall(memo)
    if found is None:
        readable, pictures = thumbnails(files, contents, hashes.folder)
        near = _find(pixels, readable, compared, pictures, LEAST)
        if boxes is not None:
            boxed, cut = thumbnails(files, contents, hashes.folder, boxes)
            near = _joined(near, _find(pixels, boxed, compared, cut, BOXED))
        found = [np.flatnonzero(~readable).tolist(), list(islice(near, MOST_PAIRS))]
        _remember(memo, found)
    unreadable, near = found
    pixels[unreadable] = -1 - np.arange(len(unreadable))  # equal to no other
    equal = [(*pair, 1.0) for rows in linked for pair in _exact(pixels, *rows)]
    rows = [
        (paths[a], splits[a], paths[b], splits[b], kind, correlation, labels[a], labels[b])
        for kind, pairs in (("exact", equal), ("near", near))
        for a, b, correlation in pairs
    ]
    pairs = pd.DataFrame(rows, columns=list(COLUMNS))
    return pairs.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)


def _exact(pixels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs that link all equal images, about one each, however often an image is there.

    Within a set each is paired with the next one, of two sets with the first of the other.
    """
    within = np.array_equal(first, second)
    others = _members(pixels, second)
    for number, ones in _members(pixels, first).items():
        if within:
            yield from pairwise(ones)
        elif number in others:
            yield from zip(repeat(ones[0]), others[number])
            yield from zip(ones[1:], repeat(others[number][0]))


def _members(pixels: np.ndarray, rows: np.ndarray) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for row, number in zip(rows.tolist(), pixels[rows].tolist(), strict=True):
        members.setdefault(number, []).append(row)
    return members


def _find(
    pixels: np.ndarray,
    usable: np.ndarray,
    compared: Compared,
    pictures: np.ndarray,
    least: Sequence[float],
) -> Iterator[Near]:
    """The near pairs, by the rows of their images, of each two that are compared and usable."""
    for one, other in compared:
        yield from _near(pixels, one[usable[one]], other[usable[other]], pictures, least)


def _joined(*found: Iterator[Near]) -> Iterator[Near]:
    """Each pair once, with its largest correlation."""
    best: dict[tuple[int, int], float] = {}
    for a, b, correlation in chain(*(islice(pairs, MOST_PAIRS) for pairs in found)):
        best[a, b] = max(correlation, best.get((a, b), 0.0))
    return ((*pair, correlation) for pair, correlation in best.items())


def _near(
    pixels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    pictures: np.ndarray,
    least: Sequence[float],
) -> Iterator[Near]:
    if not len(first) or not len(second):
        return
    within = np.array_equal(first, second)
    few = len(first) * len(second) <= FEW
    directions = NO_DIRECTION if few else _directions(pictures[first], pictures[second])
    others = _by_rest(_side(second, pictures[second], directions))
    rows = others.rows if within else first
    for top in range(0, len(rows), ROWS_AT_ONCE):
        here = rows[top : top + ROWS_AT_ONCE]
        turned = [_side(here, _turned(pictures[here], n), directions) for n in range(len(least))]
        for left in range(top if within else 0, len(second), COLUMNS_AT_ONCE):
            there = _Side(*(one[left : left + COLUMNS_AT_ONCE] for one in others))
            best = _best(turned, there, least)
            if within:  # both in one order: each row meets only those after it
                best = np.triu(best, 1 + top - left)
            a, b = np.nonzero(best)
            unequal = np.flatnonzero(pixels[here[a]] != pixels[there.rows[b]])[:MOST_PAIRS]
            a, b = a[unequal], b[unequal]
            pairs = np.stack([here[a], there.rows[b]], axis=1)
            if within:
                pairs.sort(axis=1)
            correlations = np.minimum(best[a, b], 1.0).tolist()
            for (one, other), correlation in zip(pairs.tolist(), correlations, strict=True):
                yield one, other, correlation


def _best(turned: Sequence[_Side], there: _Side, least: Sequence[float]) -> np.ndarray:
    """The largest correlation, without a sign, of each two rows that are near; 0 of others.

    Args:
        turned: The rows in each orientation.
        there: The columns.
        least: What is asked for in each orientation, and `TURNED` of its negative.
    """
    best = np.zeros((len(turned[0].rows), len(there.rows)), dtype=np.float32)
    for here, enough in zip(turned, least, strict=True):
        outlined = here.outlines @ there.outlines.T
        needed = min(enough, TURNED) - SLACK - here.rests * there.rests.max()
        hopeful = (outlined.max(axis=1) >= needed) | (outlined.min(axis=1) <= -needed)
        correlations = here.signatures[hopeful] @ there.signatures.T
        a, b = np.nonzero((correlations >= enough) | (correlations <= -TURNED))
        rows = np.flatnonzero(hopeful)[a]
        best[rows, b] = np.maximum(best[rows, b], np.abs(correlations[a, b]))
    return best


def _side(rows: np.ndarray, pictures: np.ndarray, directions: np.ndarray) -> _Side:
    signatures = _signatures(pictures)
    outlines = signatures @ directions
    rests = (signatures**2).sum(axis=1) - (outlines**2).sum(axis=1)
    return _Side(rows, signatures, outlines, np.sqrt(np.maximum(rests, 0.0)))


def _by_rest(side: _Side) -> _Side:
    """A side whose next rows have rests about as long, so that the bound of a block is close."""
    order = np.argsort(side.rests)
    return _Side(*(one[order] for one in side))


def _turned(pictures: np.ndarray, number: int) -> np.ndarray:
    """Thumbnails in one of the orientations of a square; 0 is their own, from 4 on mirrored."""
    mirrored = pictures[:, :, ::-1] if number >= ORIENTATIONS // 2 else pictures
    return np.rot90(mirrored, number % 4, axes=(1, 2))


def _signatures(pictures: np.ndarray) -> np.ndarray:
    """float32 rows of length 1: the steps down and those to the right, each of zero mean.

    Turned pictures have the same steps in other places. A flat image's row is zero, and matches
    nothing.
    """
    grey = pictures.astype(np.int16)
    steps = [np.diff(grey, axis=axis).reshape(len(grey), -1) for axis in (1, 2)]
    means = [one.mean(axis=1, keepdims=True, dtype=np.float32) for one in steps]
    rows = np.concatenate([a - b for a, b in zip(steps, means, strict=True)], axis=1)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows


def _directions(*pictures: np.ndarray) -> np.ndarray:
    """Orthonormal columns along which signatures differ most, of a sample in all orientations."""
    sampled = [one[:: -(-len(one) // SAMPLED)] for one in pictures]
    turned = [_turned(one, number) for one in sampled for number in range(ORIENTATIONS)]
    rows = np.concatenate([_signatures(one) for one in turned])
    return np.ascontiguousarray(np.linalg.eigh(rows.T @ rows)[1][:, -DIRECTIONS:])


def _memo(folder: Path, contents: list[str], compared: Compared, boxes: Boxes | None) -> Path:
    """Where is kept what was found in files of these contents, among these rows and boxes."""
    whole = hashlib.blake2b("\n".join(contents).encode(), digest_size=16)
    for rows in compared:
        for one in rows:
            whole.update(b"%d " % len(one) + one.tobytes())
    whole.update((boxes.name if boxes else "").encode())
    return folder / f"near_duplicates_v{VERSION}" / f"{whole.hexdigest()}.json"


def _recall(memo: Path) -> list[Any] | None:
    content = read_signed(memo)
    return None if content is None else read_json(content)


def _remember(memo: Path, found: list[Any]) -> None:
    memo.parent.mkdir(parents=True, exist_ok=True)
    replace_file(memo, signed(json.dumps(found).encode()))
