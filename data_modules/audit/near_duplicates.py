"""Images in two splits though no patient says so: equal files, and nearly equal images.

Used where a data set names no patients. An image's signature is the gradient of its 17 x 17 grey
thumbnail; two images are near-duplicates where the signatures' correlation reaches `NEAR`. Chosen
on public data: neighbouring slices of one CT stay below 0.96, a scan saved again at 0.8 of its size
with JPEG quality 60 stays above 0.99.
"""

import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from data_modules.file_hashes import FileHashes
from data_modules.files import replace_file
from data_modules.formats.pictures import read_image
from data_modules.samples import SPLITS, Samples, texts

VERSION = 2  # of the signatures, of what counts as near, and of the memos
NEAR = 0.97
THUMBNAIL = 16
LENGTH = 2 * THUMBNAIL * THUMBNAIL
ROWS_AT_ONCE = 1024
SIGNATURES = f"near_duplicates_v{VERSION}.npz"
OLDER_SIGNATURES = "near_duplicates_v1.npz"
COLUMNS = ("path", "split", "other_path", "other_split", "kind", "correlation")
Pair = tuple[int, int, str, float]


def near_duplicates(samples: Samples, hashes: FileHashes | Path | None = None) -> pd.DataFrame:
    """Pairs of images of different splits that are the same file or nearly the same image.

    Args:
        samples: The images; a file that holds no image takes no part.
        hashes: What hashes the files, or the folder of its memo. The folder also keeps the
            signatures of images seen before, and the pairs found, by the contents of the files.
            None keeps nothing.

    Returns:
        One row per pair, most alike first: `path`, `split`, `other_path`, `other_split`, `kind`
        ("exact": the same bytes, or "near") and `correlation` (`NEAR` to 1).

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    if hashes is None:
        with TemporaryDirectory() as folder:
            return near_duplicates(samples, Path(folder))
    hashes = FileHashes.at(hashes)
    contents = hashes.of(samples.absolute_paths())
    splits = texts(samples.table["split"])
    memo = hashes.folder / f"near_duplicates_v{VERSION}" / f"{_key(contents, splits)}.json"
    found = _recall_pairs(memo)
    if found is None:
        readable, signatures = _signatures(samples.files(), contents, hashes.folder)
        found = _find(np.array(contents), np.array(splits), readable, signatures)
        memo.parent.mkdir(parents=True, exist_ok=True)
        replace_file(memo, json.dumps(found).encode())
    paths = texts(samples.table["path"])
    rows = [
        (paths[one], splits[one], paths[other], splits[other], kind, correlation)
        for one, other, kind, correlation in found
    ]
    pairs = pd.DataFrame(rows, columns=list(COLUMNS))
    return pairs.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)


def _find(
    contents: np.ndarray, splits: np.ndarray, readable: np.ndarray, signatures: np.ndarray
) -> list[Pair]:
    """The pairs, by the rows of their images."""
    content = np.unique(contents, return_inverse=True)[1]
    rows: list[Pair] = []
    for one, other in combinations(SPLITS, 2):
        first = np.flatnonzero((splits == one) & readable)
        second = np.flatnonzero((splits == other) & readable)
        opposite = _unit(signatures[second]).T
        for start in range(0, len(first), ROWS_AT_ONCE):
            chunk = first[start : start + ROWS_AT_ONCE]
            alike = _unit(signatures[chunk]) @ opposite
            exact = content[chunk][:, None] == content[second][None]
            alike[exact] = 1.0
            for a, b in zip(*np.nonzero(alike >= NEAR), strict=True):
                kind = "exact" if exact[a, b] else "near"
                rows.append((int(chunk[a]), int(second[b]), kind, min(float(alike[a, b]), 1.0)))
    return rows


def _unit(signatures: np.ndarray) -> np.ndarray:
    """float32 rows of zero mean and length 1; a flat image's row stays zero and matches nothing."""
    rows = signatures.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _signatures(
    files: list[Path], contents: list[str], folder: Path
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


def _signature(file: Path) -> np.ndarray | None:
    side = THUMBNAIL + 1
    try:
        grey = read_image(file, (side, side), 1)[0][0].astype(np.int16)
    except Exception:  # damaged files make Pillow raise errors of many kinds
        return None
    down, right = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    gradient = np.concatenate([down.ravel(), right.ravel()])
    return np.clip(gradient, -127, 127).astype(np.int8)


def _key(contents: list[str], splits: list[str]) -> str:
    lines = map(" ".join, zip(contents, splits, strict=True))
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def _recall_pairs(memo: Path) -> list[Pair] | None:
    try:
        return [(one, other, kind, near) for one, other, kind, near in json.loads(memo.read_text())]
    except (OSError, ValueError, TypeError):
        return None


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
    replace_file(folder / OLDER_SIGNATURES, None)
