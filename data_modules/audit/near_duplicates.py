"""Images that stand in two splits though no patient tells: equal files, and nearly equal images.

Used where a data set names no patients. An image's signature is the gradient of its 17 x 17 grey
thumbnail; two images are near-duplicates where the signatures' correlation reaches `NEAR`. Chosen
on public data: neighbouring slices of one CT stay below 0.96, a scan saved again at 0.8 of its size
with JPEG quality 60 stays above 0.99.
"""

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from data_modules.formats.pictures import read_image
from data_modules.samples import SPLITS, Samples

NEAR = 0.97
THUMBNAIL = 16
LENGTH = 2 * THUMBNAIL * THUMBNAIL
ROWS_AT_ONCE = 1024
MEMO = "near_duplicates_v1.npz"
COLUMNS = ("path", "split", "other_path", "other_split", "kind", "correlation")


def near_duplicates(samples: Samples, memo: Path | None = None) -> pd.DataFrame:
    """Pairs of images of different splits that are the same file or nearly the same image.

    Args:
        samples: The images; a file that cannot be read takes no part.
        memo: A folder that keeps the signatures of files seen before (by path, size and time).

    Returns:
        One row a pair, most alike first: `path`, `split`, `other_path`, `other_split`, `kind`
        ("exact": the same bytes, or "near") and `correlation` (`NEAR` to 1).
    """
    contents, signatures = _signatures(samples.files(), memo)
    content = np.unique(contents, return_inverse=True)[1]
    split = samples.table["split"].to_numpy()
    readable = contents != ""
    rows = []
    for one, other in combinations(SPLITS, 2):
        first = np.flatnonzero((split == one) & readable)
        second = np.flatnonzero((split == other) & readable)
        for start in range(0, len(first), ROWS_AT_ONCE):
            chunk = first[start : start + ROWS_AT_ONCE]
            alike = _unit(signatures[chunk]) @ _unit(signatures[second]).T
            exact = content[chunk][:, None] == content[second][None]
            alike[exact] = 1.0
            for a, b in zip(*np.nonzero(alike >= NEAR), strict=True):
                kind = "exact" if exact[a, b] else "near"
                rows.append((chunk[a], one, second[b], other, kind, min(float(alike[a, b]), 1.0)))
    pairs = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("path", "other_path"):
        pairs[column] = samples.table["path"].to_numpy()[pairs[column].to_numpy(dtype=np.int64)]
    return pairs.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)


def _unit(signatures: np.ndarray) -> np.ndarray:
    """float32 rows of zero mean and length 1; a flat image's row stays zero and matches nothing."""
    rows = signatures.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _signatures(files: list[Path], memo: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Content hash (text, "" where unreadable) and signature (int8 [N, LENGTH]) of each file."""
    keys = [_key(file) for file in files]
    known = _recall(memo)
    new = [place for place, key in enumerate(keys) if key not in known]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = list(pool.map(_read, [files[place] for place in new], chunksize=64))
    known.update(zip([keys[place] for place in new], found, strict=True))
    if memo is not None and new:
        _remember(memo, known)
    contents = np.array([known[key][0] for key in keys], dtype=str)
    return contents, np.array([known[key][1] for key in keys]).reshape(len(keys), LENGTH)


def _key(file: Path) -> str:
    try:
        stat = file.stat()
    except OSError:
        return str(file)
    return f"{os.path.abspath(file)}|{stat.st_size}|{stat.st_mtime_ns}"


def _read(file: Path) -> tuple[str, np.ndarray]:
    side = THUMBNAIL + 1
    try:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        grey = read_image(file, (side, side), 1)[0][0].astype(np.int16)
    except Exception:
        return "", np.zeros(LENGTH, dtype=np.int8)
    down, right = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    gradient = np.concatenate([down.ravel(), right.ravel()])
    return content, np.clip(gradient, -127, 127).astype(np.int8)


def _recall(memo: Path | None) -> dict[str, tuple[str, np.ndarray]]:
    if memo is None or not (memo / MEMO).is_file():
        return {}
    try:
        with np.load(memo / MEMO, allow_pickle=False) as stored:
            keys, contents, signatures = (stored[name] for name in ("keys", "contents", "rows"))
        return {str(k): (str(c), s) for k, c, s in zip(keys, contents, signatures, strict=True)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return {}


def _remember(memo: Path, known: dict[str, tuple[str, np.ndarray]]) -> None:
    memo.mkdir(parents=True, exist_ok=True)
    contents, signatures = zip(*known.values(), strict=True)
    with tempfile.NamedTemporaryFile(dir=memo, suffix=".tmp", delete=False) as file:
        np.savez(file, keys=list(known), contents=contents, rows=np.array(signatures))
    os.replace(file.name, memo / MEMO)
