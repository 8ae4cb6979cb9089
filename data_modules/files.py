"""Ground tools for files: replaced whole, flushed to disk, hashed, read as JSON."""

import errno
import hashlib
import json
import math
import os
import stat
from pathlib import Path
from typing import Any


def replace_file(path: Path, content: bytes | None) -> None:
    """Replace a file in one step, so that a reader sees the old content or the new one.

    Args:
        path: The file; its folder must exist.
        content: The new content, or None to remove the file where there is one.
    """
    if content is None:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, would survive a power cut.

    Windows opens no folder, and flushes no file that is open for reading alone.
    """
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_whole(path: Path) -> bytes:
    """The bytes of a file, never of what may not end, such as a pipe or a device.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return path.read_bytes()


def signed(content: bytes) -> bytes:
    """The content after its digest, for `read_signed`."""
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode() + content


def read_signed(path: Path) -> bytes | None:
    """The content of a file that `signed` made; None where there is none, or it is damaged."""
    try:
        whole = read_whole(path)
    except OSError:
        return None
    content = whole[32:]
    return content if whole == signed(content) else None


def read_json(content: str | bytes) -> Any:
    """The value that JSON holds.

    Raises:
        ValueError: It is no JSON, holds a number that is not finite, or is nested too deeply to be
            read.
    """
    try:
        return json.loads(content, parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def recall(memo: Path) -> Any:
    """The value that `remember` stored; None where there is none, or it is damaged."""
    content = read_signed(memo)
    return None if content is None else read_json(content)


def remember(memo: Path, value: Any) -> None:
    """Store a value that JSON holds, in a folder that is made where it is missing."""
    memo.parent.mkdir(parents=True, exist_ok=True)
    replace_file(memo, signed(json.dumps(value).encode()))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number
