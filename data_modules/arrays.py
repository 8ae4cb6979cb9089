"""Large uint8 arrays on disk that are there whole or not at all."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from data_modules.files import read_json, read_whole, sync

ARRAY, META, DIGEST = "array.u8", "meta.json", "digest"
CHUNK = 1 << 24
Progress = Callable[[int, int], None]
StoredArray = tuple[np.memmap, dict[str, Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")


def open_array(folder: Path) -> StoredArray | None:
    """Open what `store_array` made, or return None where it is missing or damaged.

    Every byte is read and compared with the digest that was taken of it.

    Returns:
        The array, uint8, memory-mapped and read-only, and its meta data with the key "shape".
    """
    try:
        if read_whole(folder / DIGEST).decode() != _digest(folder):
            return None
        return _mapped(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def mapped_array(folder: Path) -> StoredArray | None:
    """What `open_array` returns, without reading it: for a folder that was opened in this run."""
    try:
        return _mapped(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mapped(folder: Path) -> StoredArray | None:
    meta = read_json(read_whole(folder / META))
    if (folder / ARRAY).stat().st_size != math.prod(meta["shape"]):
        return None
    array = np.memmap(folder / ARRAY, dtype=np.uint8, mode="r", shape=tuple(meta["shape"]))
    return array, meta


def _digest(folder: Path) -> str:
    """A hash of the array and of the meta data, computed in threads over pieces of the array."""
    size = (folder / ARRAY).stat().st_size
    pieces = in_threads(lambda start: _hash_piece(folder / ARRAY, start), range(0, size, CHUNK))
    whole = hashlib.blake2b(read_whole(folder / META), digest_size=16)
    for piece in pieces:
        whole.update(piece)
    return whole.hexdigest()


def _hash_piece(file: Path, start: int) -> bytes:
    with open(file, "rb", buffering=0) as stream:
        stream.seek(start)
        return hashlib.blake2b(stream.read(CHUNK), digest_size=16).digest()


def store_array(folder: Path, write: Callable[[BinaryIO], dict[str, Any]]) -> StoredArray:
    """Open the array in `folder`, made first where it is missing or damaged.

    It is written into a folder `<folder>.partial`, which is renamed when complete; a file lock lets
    one process write while others wait for its array. Killed at any moment, the next call removes
    what was left behind and starts again.

    Args:
        folder: Where the array lives.
        write: Writes the bytes to the open file and returns the meta data, JSON values with the
            array's "shape".
    """
    if (stored := open_array(folder)) is not None:
        return stored
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    with FileLock(f"{folder}.lock"):
        stored = open_array(folder)
        if stored is None:
            _write_whole(folder, write)
            stored = mapped_array(folder)
    if stored is None:
        raise OSError(f"{folder} was removed or damaged while it was being opened")
    return stored


def in_threads(
    function: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None
) -> Iterator[Result]:
    """Yield `function(item)` in order, computed in one thread per core, a bounded number ahead.

    Args:
        function: Should spend its time outside the interpreter's lock (Pillow, NumPy, hashlib do).
        items: What it is called on.
        progress: Called in this thread with the number done and the number of all, from time to
            time and at the end.
    """
    threads = min(os.cpu_count() or 1, 32)
    ahead = 64 * threads
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(items), ahead):
            chunk = items[start : start + ahead]
            yield from pool.map(function, chunk)
            if progress is not None:
                progress(start + len(chunk), len(items))


def write_rows(file: BinaryIO, rows: Iterable[np.ndarray]) -> list[int]:
    """Write uint8 arrays of one shape one after the other and return the shape of all, [N, ...].

    Raises:
        ValueError: Where an array is not uint8, or not of the first one's shape.
    """
    shape, count = None, 0
    for row in rows:
        shape = row.shape if shape is None else shape
        if row.dtype != np.uint8 or row.shape != shape:
            raise ValueError(f"row {count} is {row.dtype} {row.shape}, not uint8 {shape}")
        file.write(np.ascontiguousarray(row).data)
        count += 1
    return [count, *(shape or ())]


def _write_whole(folder: Path, write: Callable[[BinaryIO], dict[str, Any]]) -> None:
    partial = Path(f"{folder}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with open(partial / ARRAY, "wb") as file:
            meta = write(file)
        sync(partial / ARRAY)
        (partial / META).write_bytes(json.dumps(meta).encode())
        sync(partial / META)
        (partial / DIGEST).write_text(_digest(partial))
        sync(partial / DIGEST)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(partial, folder)


def _remove_abandoned(parent: Path) -> None:
    """Remove partial folders whose writer is gone: the ones whose lock is free."""
    for partial in parent.glob("*.partial"):
        lock = FileLock(f"{partial.with_suffix('')}.lock")
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(partial, ignore_errors=True)
        except Timeout:
            continue
