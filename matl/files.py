"""Files: the ground tools of `data_modules.files`, JSON, and what the disk refuses in one line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_modules.files import file_digest, read_json, read_whole, replace_file, sync
from matl.errors import MatlError

__all__ = [
    "disk_errors",
    "file_digest",
    "json_bytes",
    "read_json",
    "read_whole",
    "refuse_irregular",
    "replace_file",
    "sync",
]


def json_bytes(value: Any) -> bytes:
    """A value as indented JSON.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def refuse_irregular(path: str | Path) -> None:
    """Refuses what may never end, such as a pipe or a device; a file that is not there passes.

    Raises:
        MatlError: It is neither a file nor a folder.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise MatlError(f"{path}: is no regular file; name a file")


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Say in one line that a disk is full, read-only or gone; what is finished stays finished.

    Raises:
        MatlError: for any error of the file system.
    """
    try:
        yield
    except OSError as error:
        raise MatlError(
            f"{error.filename or folder}: {error.strerror or error}; what is finished is kept, and "
            "the same command resumes when this is fixed"
        ) from error
