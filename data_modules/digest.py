"""Content hashes of a data set, the same wherever its files lie."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from data_modules.arrays import in_threads
from data_modules.errors import DataError
from data_modules.samples import Samples

MEMO = "file_hashes.json"
Value = TypeVar("Value")


def digest(samples: Samples, memo: Path) -> str:
    """Hashes all of a data set that can change a result: `content_digest` and `table_digest`.

    Args:
        samples: The data set.
        memo: Folder for the memo of file hashes, made where it is missing.

    Returns:
        A hexadecimal text of 32 characters.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    return _hash_texts([content_digest(samples, memo), table_digest(samples)])


def content_digest(samples: Samples, memo: Path) -> str:
    """Hashes the bytes of the files in the table's order; names, labels and splits do not matter.

    Args:
        samples: The data set.
        memo: Folder for the memo of file hashes, made where it is missing.

    Returns:
        A hexadecimal text of 32 characters.

    Raises:
        DataError: Where files of the table cannot be read; all are listed.
    """
    return _hash_texts(file_hashes(samples.files(), memo))


def table_digest(samples: Samples) -> str:
    """Hashes the table (relative paths, labels, patients, splits, studies, sources) and classes.

    Returns:
        A hexadecimal text of 32 characters.
    """
    traits: list[Any] = [
        samples.classes,
        samples.positive,
        samples.multi_label,
        samples.patients_named,
    ]
    traits += [[one.sources, one.classes, one.multi_label] for one in samples.label_sets]
    return _hash_texts([json.dumps([samples.table.to_dict("list"), traits])])


def file_hashes(files: Sequence[Path], memo: Path) -> list[str]:
    """Hashes each file's bytes (BLAKE2b, 128 bits), once per absolute path, size and mtime.

    Args:
        files: The files, read in threads.
        memo: Folder for the memo. Two processes may use it at once.

    Returns:
        Hexadecimal texts of 32 characters, in the order of `files`.

    Raises:
        DataError: Where files cannot be read; all are listed.
    """
    paths = [os.path.abspath(file) for file in files]
    stamps = _readable(map(_stamp, paths), paths)
    known = _read_memo(memo / MEMO)
    fresh = {
        path: at for path, at in zip(paths, stamps, strict=True) if known.get(path, [])[:2] != at
    }
    if fresh:
        names = list(fresh)
        hashes = _readable(in_threads(_hash_file, names), names)
        added = {path: [*fresh[path], text] for path, text in zip(names, hashes, strict=True)}
        known |= added
        _add_to_memo(memo, added)
    return [known[path][2] for path in paths]


def _stamp(path: str) -> list[int] | OSError:
    try:
        stat = os.stat(path)
    except OSError as error:
        return error
    return [stat.st_size, stat.st_mtime_ns]


def _hash_file(path: str) -> str | OSError:
    try:
        with open(path, "rb", buffering=0) as file:
            return hashlib.file_digest(file, _hasher).hexdigest()
    except OSError as error:
        return error


def _hasher() -> Any:
    return hashlib.blake2b(digest_size=16)


def _hash_texts(texts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()


def _readable(results: Iterable[Value | OSError], paths: Sequence[str]) -> list[Value]:
    values, wrong = [], []
    for path, result in zip(paths, results, strict=True):
        if isinstance(result, OSError):
            wrong.append(f"  {path}: {result.strerror}")
        else:
            values.append(result)
    if wrong:
        lines = "\n".join(wrong)
        raise DataError(
            f"{len(wrong)} files cannot be read; restore them, or list them no more:\n{lines}"
        )
    return values


def _read_memo(file: Path) -> dict[str, list[Any]]:
    try:
        memo = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return memo if isinstance(memo, dict) else {}


def _add_to_memo(memo: Path, added: dict[str, list[Any]]) -> None:
    memo.mkdir(parents=True, exist_ok=True)
    with FileLock(memo / f"{MEMO}.lock"):
        whole = _read_memo(memo / MEMO) | added
        partial = memo / f"{MEMO}.partial"
        partial.write_text(json.dumps(whole))
        os.replace(partial, memo / MEMO)
