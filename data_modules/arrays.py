"""Many uint8 arrays in one file on disk, which are there whole or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from data_modules.files import read_json, read_whole, sync
from data_modules.ragged import Ragged

ARRAY, META, DIGEST = "array.u8", "meta.json", "digest"
CHUNK = 1 << 24
Progress = Callable[[int, int], None]
StoredArrays = tuple[Ragged, dict[str, Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")


def open_arrays(folder: Path) -> StoredArrays | None:
    """Open what `store_arrays` made, or return None where it is missing or damaged.

    Every byte is read and compared with the digest that was taken of it.

    Returns:
        The arrays, memory-mapped and read-only, and their meta data with the key "shapes".
    """
    try:
        if read_whole(folder / DIGEST).decode() != _digest(folder):
            return None
        return _mapped(folder)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def mapped_arrays(folder: Path) -> StoredArrays | None:
    """What `open_arrays` returns, without a look at the digest: for a folder opened in this run."""
    try:
        return _mapped(folder)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _mapped(folder: Path) -> StoredArrays | None:
    meta = read_json(read_whole(folder / META))
    empty = (folder / ARRAY).stat().st_size == 0  # no map of an empty file is possible
    content = np.zeros(0, np.uint8) if empty else np.memmap(folder / ARRAY, np.uint8, "r")
    return Ragged(content, meta["shapes"]), meta


def _digest(folder: Path) -> str:
    """A hash of the arrays and of the meta data, computed in threads over pieces of the file."""
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


def store_arrays(folder: Path, write: Callable[[BinaryIO], dict[str, Any]]) -> StoredArrays:
    """Open the arrays in `folder`, made first where they are missing or damaged.

    They are written into a folder `<folder>.partial`, which is renamed when complete; a file lock
    lets one process write while others wait for it. Killed at any moment, the next call removes
    what was left behind and starts again.

    Args:
        folder: Where the arrays live.
        write: Writes the bytes to the open file and returns the meta data, JSON values with the
            arrays' "shapes".
    """
    if (stored := open_arrays(folder)) is not None:
        return stored
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    with FileLock(f"{folder}.lock"):
        stored = open_arrays(folder)
        if stored is None:
            _write_whole(folder, write)
            stored = mapped_arrays(folder)
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


def write_rows(file: BinaryIO, rows: Iterable[np.ndarray]) -> list[tuple[int, ...]]:
    """Write uint8 arrays one after the other and return the shape of each.

    Raises:
        ValueError: Where an array is not uint8, or has other axes than the first one.
    """
    shapes: list[tuple[int, ...]] = []
    for row in rows:
        axes = len(shapes[0]) if shapes else row.ndim
        if row.dtype != np.uint8 or row.ndim != axes:
            raise ValueError(
                f"row {len(shapes)} is {row.dtype} {row.shape}, not uint8 of {axes} axes"
            )
        file.write(np.ascontiguousarray(row).data)
        shapes.append(row.shape)
    return shapes


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
