"""Images that are alike though no patient says so: equal files or pixels, and nearly equal images.

An image's signature is the gradient of its 17 x 17 grey thumbnail; two images are near-duplicates
where the signatures' correlation reaches `NEAR`. Chosen on public data: neighbouring slices of one
CT stay below 0.96, a scan saved again at 0.8 of its size with JPEG quality 60 stays above 0.99.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from data_modules.file_hashes import FileHashes
from data_modules.files import read_json, read_whole, replace_file
from data_modules.formats.pictures import read_image
from data_modules.samples import SPLITS, Samples, texts

VERSION = 3  # of the signatures, of what counts as near, and of the memos
NEAR = 0.97
THUMBNAIL = 16
LENGTH = 2 * THUMBNAIL * THUMBNAIL
ROWS_AT_ONCE = 1024
MOST_PAIRS = 200_000
SAME = 0.9999
SIGNATURES = f"near_duplicates_v{VERSION}.npz"
OLDER_SIGNATURES = ("near_duplicates_v1.npz", "near_duplicates_v2.npz")
COLUMNS = ("path", "split", "other_path", "other_split", "kind", "correlation")
Pair = tuple[int, int, str, float]
Compared = Sequence[tuple[np.ndarray, np.ndarray]]


def near_duplicates(samples: Samples, hashes: FileHashes | Path | None = None) -> pd.DataFrame:
    """Pairs of images that are the same file, the same pixels or nearly the same image.

    Args:
        samples: The images; a file that holds no image takes no part. Images of one split are
            compared only where the samples are `alone`, so that no patient explains a likeness.
        hashes: What hashes the files, or the folder of its memo. The folder also keeps the
            signatures of images seen before, and the pairs found, by the contents of the files.
            None keeps nothing.

    Returns:
        One row per pair, most alike first, at most `MOST_PAIRS`: `path`, `split`, `other_path`,
        `other_split`, `kind` ("exact": the same bytes or pixels, or "near") and `correlation`
        (`NEAR` to 1).

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    if hashes is None:
        with TemporaryDirectory() as folder:
            return near_duplicates(samples, Path(folder))
    splits = samples.table["split"].to_numpy()
    rows = np.arange(len(samples))
    parts = [rows[splits == name] for name in SPLITS]
    compared = [(rows, rows)] if samples.alone else list(combinations(parts, 2))
    return _pairs(samples, samples, compared, FileHashes.at(hashes))


def near_copies(first: Samples, second: Samples, hashes: FileHashes) -> pd.DataFrame:
    """Pairs of an image of each of two data sets that are alike; see `near_duplicates`."""
    rows = (np.arange(len(first)), len(first) + np.arange(len(second)))
    return _pairs(first, second, [rows], hashes)


def _pairs(first: Samples, second: Samples, compared: Compared, hashes: FileHashes) -> pd.DataFrame:
    members = [first] if first is second else [first, second]
    paths, splits, files = [], [], []
    for samples in members:
        paths += texts(samples.table["path"])
        splits += texts(samples.table["split"])
        files += samples.absolute_paths()
    contents = hashes.of(files)
    memo = hashes.folder / f"near_duplicates_v{VERSION}" / f"{_key(contents, compared)}.json"
    found = _recall_pairs(memo)
    if found is None:
        readable, signatures = _signatures(files, contents, hashes.folder)
        known = [(one[readable[one]], other[readable[other]]) for one, other in compared]
        near = islice(_find(np.array(contents), known, signatures), MOST_PAIRS)
        found = [_looked_at(pair, files) for pair in near]
        memo.parent.mkdir(parents=True, exist_ok=True)
        replace_file(memo, _signed(json.dumps(found).encode()))
    rows = [
        (paths[one], splits[one], paths[other], splits[other], kind, correlation)
        for one, other, kind, correlation in found
    ]
    pairs = pd.DataFrame(rows, columns=list(COLUMNS))
    return pairs.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)


def _find(
    contents: np.ndarray,
    compared: Compared,
    signatures: np.ndarray,
) -> Iterator[Pair]:
    """The pairs, by the rows of their images, of each of the first rows with each of the second."""
    content = np.unique(contents, return_inverse=True)[1]
    for first, second in compared:
        opposite = _unit(signatures[second]).T
        within = np.array_equal(first, second)
        for start in range(0, len(first), ROWS_AT_ONCE):
            chunk = first[start : start + ROWS_AT_ONCE]
            alike = _unit(signatures[chunk]) @ opposite
            exact = content[chunk][:, None] == content[second][None]
            alike[exact] = 1.0
            if within:
                alike[chunk[:, None] >= second[None]] = 0.0
            for a, b in zip(*np.nonzero(alike >= NEAR), strict=True):
                kind = "exact" if exact[a, b] else "near"
                yield int(chunk[a]), int(second[b]), kind, min(float(alike[a, b]), 1.0)


def _looked_at(pair: Pair, files: list[str]) -> Pair:
    """A pair whose images were compared pixel by pixel where they seem to be the same."""
    one, other, kind, correlation = pair
    if kind == "near" and correlation >= SAME and _same_pixels(files[one], files[other]):
        kind = "exact"
    return one, other, kind, correlation


def _same_pixels(one: str, other: str) -> bool:
    files = Path(one), Path(other)
    sizes = [read_image(file, (1, 1), 1)[1] for file in files]
    if sizes[0] != sizes[1]:
        return False
    first, second = (read_image(file, sizes[0], 3)[0] for file in files)
    return np.array_equal(first, second)


def _unit(signatures: np.ndarray) -> np.ndarray:
    """float32 rows of zero mean and length 1; a flat image's row stays zero and matches nothing."""
    rows = signatures.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _signatures(
    files: list[str], contents: list[str], folder: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each file holds an image, bool [N], and its signature, int8 [N, LENGTH]."""
    known = _recall_signatures(folder)
    new = {text: file for file, text in zip(files, contents, strict=True) if text not in known}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        known |= zip(new, pool.map(_signature, new.values(), chunksize=64), strict=True)
    if new:
        _remember_signatures(folder, known)
    empty = np.zeros(LENGTH, dtype=np.int8)
    found = [known[text] for text in contents]
    readable = np.array([one is not None for one in found], dtype=bool)
    rows = [empty if one is None else one for one in found]
    return readable, np.array(rows).reshape(len(rows), LENGTH)


def _signature(file: str) -> np.ndarray | None:
    side = THUMBNAIL + 1
    try:
        grey = read_image(Path(file), (side, side), 1)[0][0].astype(np.int16)
    except Exception:  # damaged files make Pillow raise errors of many kinds
        return None
    down, right = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    gradient = np.concatenate([down.ravel(), right.ravel()])
    return np.clip(gradient, -127, 127).astype(np.int8)


def _key(contents: list[str], compared: Compared) -> str:
    whole = hashlib.blake2b("\n".join(contents).encode(), digest_size=16)
    for rows in compared:
        for one in rows:
            whole.update(b"%d " % len(one) + one.tobytes())
    return whole.hexdigest()


def _signed(content: bytes) -> bytes:
    """The content after its digest, so that a damaged memo hides no pair."""
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode() + content


def _recall_pairs(memo: Path) -> list[Pair] | None:
    try:
        whole = read_whole(memo)
    except OSError:
        return None
    content = whole[32:]
    if whole != _signed(content):
        return None
    return [(one, other, kind, near) for one, other, kind, near in read_json(content)]


def _recall_signatures(folder: Path) -> dict[str, np.ndarray | None]:
    try:
        with np.load(folder / SIGNATURES, allow_pickle=False) as stored:
            contents, readable, rows = (stored[name] for name in ("contents", "readable", "rows"))
        return {
            str(text): row if good else None
            for text, good, row in zip(contents, readable, rows, strict=True)
        }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}


def _remember_signatures(folder: Path, known: dict[str, np.ndarray | None]) -> None:
    empty = np.zeros(LENGTH, dtype=np.int8)
    rows = [empty if row is None else row for row in known.values()]
    readable = [row is not None for row in known.values()]
    stream = io.BytesIO()
    np.savez(stream, contents=np.array(list(known)), readable=readable, rows=np.array(rows))
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / SIGNATURES, stream.getvalue())
    for name in OLDER_SIGNATURES:
        replace_file(folder / name, None)
