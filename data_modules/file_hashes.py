"""Hashes of files' bytes, remembered from one command to the next."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from data_modules.arrays import in_threads
from data_modules.errors import DataError
from data_modules.formats.metaimage import DETACHED, data_file
from data_modules.formats.places import file_of

MEMO = "file_hashes_v3.bin"
OLDER_MEMOS = ("file_hashes_v2.bin", "file_hashes_v2.bin.lock", "file_hashes.json")
SIZE, CHECK = 16, 8
RECORD = 2 * SIZE + CHECK
Value = TypeVar("Value")

_memos: dict[str, "_Memo"] = {}


class FileHashes:
    """The BLAKE2b hash (128 bits) of each file's bytes, as 32 hexadecimal digits.

    Each file is looked at once in the life of an object, so that one object serves one plan: it
    sees no later change. A file is read only where the memo on disk does not know its absolute
    path, size, times of change (`mtime`, `ctime`) and inode.

    Attributes:
        folder: The folder of the memo, which several processes may use at once.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the folder, which is made when the first hash is stored."""
        self.folder = Path(folder)
        self._seen: dict[str, str] = {}

    @classmethod
    def at(cls, place: "FileHashes | Path") -> "FileHashes":
        """The object itself, or a new one whose memo is in a folder."""
        return place if isinstance(place, FileHashes) else cls(place)

    def of(self, files: Sequence[str | Path]) -> list[str]:
        """Hash files, those that are new in threads.

        Of a slice, or of an image whose grey levels are stated, the hash is of the file's and of
        what the path says more; see `data_modules.formats.places`. Of a header whose values lie in
        another file it is of both.

        Args:
            files: The files, by absolute paths where that is at hand.

        Returns:
            A hexadecimal text of 32 characters for each, in the order of `files`.

        Raises:
            DataError: Where files cannot be read; all are listed.
        """
        paths = [_absolute(file) for file in files]
        new = [path for path in dict.fromkeys(paths) if path not in self._seen]
        if new:
            self._seen |= zip(new, self._of_images(new), strict=True)
        return [self._seen[path] for path in paths]

    def together(self, files: Sequence[str | Path]) -> str:
        """One hash of files in their order, 32 hexadecimal digits; raises as `of`."""
        text = "\n".join(self.of(files))
        return hashlib.blake2b(text.encode(), digest_size=SIZE).hexdigest()

    def _of_images(self, paths: list[str]) -> list[str]:
        parts = [_parts(path) for path in paths]
        files = list(dict.fromkeys(file for own in parts for file in own))
        known = dict(zip(files, self._look_up(files), strict=True))
        return [
            _joined([known[file] for file in own], path[len(own[0]) :])
            for path, own in zip(paths, parts, strict=True)
        ]

    def _look_up(self, paths: list[str]) -> list[str]:
        keys = _readable(map(file_key, paths), paths)
        folder = Path(os.path.abspath(self.folder))
        memo = _memos.setdefault(str(folder), _Memo(folder))
        memo.read()
        unknown = {
            key: path for key, path in zip(keys, paths, strict=True) if key not in memo.known
        }
        if unknown:
            names = list(unknown.values())
            hashes = _readable(in_threads(_hash_file, names), names)
            memo.add(dict(zip(unknown, hashes, strict=True)))
        return [memo.known[key].hex() for key in keys]


class _Memo:
    """The memo of a folder as this process knows it: records of key, hash and a digest of both.

    Records are only ever appended, under a lock, so that a process reads each of them once. What
    it has read stays true whatever happens to the file, and a damaged record is not believed.
    """

    def __init__(self, folder: Path) -> None:
        self.known: dict[bytes, bytes] = {}
        self._file = folder / MEMO
        self._older = [folder / name for name in OLDER_MEMOS]
        self._inode, self._read_to = -1, 0

    def read(self) -> None:
        """Read the records that were appended since the last time."""
        try:
            with open(self._file, "rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_ino != self._inode or stat.st_size < self._read_to:
                    self._inode, self._read_to = stat.st_ino, 0
                file.seek(self._read_to)
                new = file.read()
        except OSError:
            return
        whole = len(new) - len(new) % RECORD
        for at in range(0, whole, RECORD):
            key, text = new[at : at + SIZE], new[at + SIZE : at + 2 * SIZE]
            if _record(key, text) == new[at : at + RECORD]:
                self.known[key] = text
        self._read_to += whole

    def add(self, hashes: dict[bytes, bytes]) -> None:
        """Append records; half a record that a killed process left is cut off first."""
        self.known |= hashes
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._file}.lock"):
            with open(self._file, "ab") as file:
                file.truncate(file.tell() - file.tell() % RECORD)
                file.write(b"".join(_record(key, text) for key, text in hashes.items()))
                file.flush()
                os.fsync(file.fileno())
            for older in self._older:
                older.unlink(missing_ok=True)


def _record(key: bytes, text: bytes) -> bytes:
    return key + text + hashlib.blake2b(key + text, digest_size=CHECK).digest()


def _absolute(file: str | Path) -> str:
    at_hand = isinstance(file, str) and file.startswith(os.sep)
    return str(file) if at_hand else os.path.abspath(file)


def _parts(path: str) -> list[str]:
    """The files that an image's path stands for, its own first."""
    file = file_of(path)
    values = data_file(file) if file.lower().endswith(DETACHED) else None
    return [file] if values is None else [file, values]


def _joined(hashes: list[str], rest: str) -> str:
    """The hash of a file alone, or of several and of the rest of a path."""
    if len(hashes) == 1 and not rest:
        return hashes[0]
    text = "\n".join([*hashes, rest])
    return hashlib.blake2b(os.fsencode(text), digest_size=SIZE).hexdigest()


def file_key(path: str) -> bytes | OSError:
    """What stands for a file as long as nobody changes it, 16 bytes; or why it cannot be read."""
    try:
        info = os.stat(path)
    except OSError as error:
        return error
    if not stat.S_ISREG(info.st_mode):
        return OSError(errno.EINVAL, "is no regular file", path)
    text = f"{path}|{info.st_size}|{info.st_mtime_ns}|{info.st_ctime_ns}|{info.st_ino}"
    return hashlib.blake2b(os.fsencode(text), digest_size=SIZE).digest()


def _hash_file(path: str) -> bytes | OSError:
    try:
        with open(path, "rb", buffering=0) as file:
            return hashlib.file_digest(file, _hasher).digest()
    except OSError as error:
        return error


def _hasher() -> Any:
    return hashlib.blake2b(digest_size=SIZE)


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
            f"{len(wrong)} files cannot be read; restore them, or leave them out:\n{lines}"
        )
    return values
