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
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, islice, pairwise, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from data_modules.audit.boxes import Boxes
from data_modules.audit.likeness import MOST_PAIRS, NEAR, ORIENTATIONS, TURNED, Near, near_pairs
from data_modules.audit.thumbnails import equal_pixels, thumbnails
from data_modules.file_hashes import FileHashes
from data_modules.files import recall, remember
from data_modules.samples import SPLITS, Samples, texts

VERSION = 6  # of the signatures, of what counts as near, and of the memos
LEAST = (NEAR, *[TURNED] * (ORIENTATIONS - 1))
"""The correlation that is asked for in each orientation that is compared."""
BOXED = (NEAR,)
"""The same of the boxes of images."""
COLUMNS = (
    *("path", "split", "other_path", "other_split", "kind", "correlation"),
    *("label", "other_label"),
)
Compared = Sequence[tuple[np.ndarray, np.ndarray]]


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
    files = samples.images()
    return _same_pixels(files, hashes.of(files), hashes.folder)


def _same_pixels(files: list[str], contents: list[str], folder: Path) -> np.ndarray:
    memo = _memo(folder, contents, (), None)
    found = recall(memo)
    if found is None:
        readable, pictures = thumbnails(files, contents, folder)
        found = equal_pixels(files, contents, readable, pictures).tolist()
        remember(memo, found)
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
        files += samples.images()
    contents = hashes.of(files)
    pixels = _same_pixels(files, contents, hashes.folder)
    memo = _memo(hashes.folder, contents, compared, boxes)
    found = recall(memo)
    if found is None:
        readable, pictures = thumbnails(files, contents, hashes.folder)
        near = _find(pixels, readable, compared, pictures, LEAST)
        if boxes is not None:
            boxed, cut = thumbnails(files, contents, hashes.folder, boxes)
            near = _joined(near, _find(pixels, boxed, compared, cut, BOXED))
        found = [np.flatnonzero(~readable).tolist(), list(islice(near, MOST_PAIRS))]
        remember(memo, found)
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
        yield from near_pairs(pixels, one[usable[one]], other[usable[other]], pictures, least)


def _joined(*found: Iterator[Near]) -> Iterator[Near]:
    """Each pair once, with its largest correlation."""
    best: dict[tuple[int, int], float] = {}
    for a, b, correlation in chain(*(islice(pairs, MOST_PAIRS) for pairs in found)):
        best[a, b] = max(correlation, best.get((a, b), 0.0))
    return ((*pair, correlation) for pair, correlation in best.items())


def _memo(folder: Path, contents: list[str], compared: Compared, boxes: Boxes | None) -> Path:
    """Where is kept what was found in files of these contents, among these rows and boxes."""
    whole = hashlib.blake2b("\n".join(contents).encode(), digest_size=16)
    for rows in compared:
        for one in rows:
            whole.update(b"%d " % len(one) + one.tobytes())
    whole.update((boxes.name if boxes else "").encode())
    return folder / f"near_duplicates_v{VERSION}" / f"{whole.hexdigest()}.json"
