"""Files: replaced whole, their digests, and what the disk refuses, in one line."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matl.errors import MatlError


def json_bytes(value: Any) -> bytes:
    """A value as indented JSON.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def replace_file(path: Path, content: bytes | None) -> None:
    """Puts a file in place whole, or takes away an older one where there is nothing to write."""
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
    """Waits until a file's content, or a folder's names, would outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Says in one line that a disk is full, read-only or gone; what is finished stays finished.

    Raises:
        MatlError: for any error of the file system.
    """
    try:
        yield
    except OSError as error:
        raise MatlError(
            f"{error.filename or folder}: {error.strerror or error}; what is finished is kept, and "
            "the same command goes on when this is mended"
        ) from error
