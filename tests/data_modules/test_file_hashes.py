"""A file is read once, until something about it changes."""

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from data_modules import file_hashes
from data_modules.errors import DataError
from data_modules.file_hashes import MEMO, OLDER_MEMOS, RECORD, FileHashes


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    paths = [folder / f"{number} %.bin" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 100)
    return paths


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read, in a process that remembers nothing."""
    read: list[str] = []
    hash_file = file_hashes._hash_file

    def counted(path: str) -> bytes | OSError:
        read.append(path)
        return hash_file(path)

    monkeypatch.setattr(file_hashes, "_hash_file", counted)
    monkeypatch.setattr(file_hashes, "_memos", {})
    return read


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_hashes, "_memos", {})


def test_hashes_are_of_the_bytes_in_the_order_of_the_files(files: list[Path], tmp_path: Path):
    expected = [
        hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest() for file in files[::-1]
    ]
    assert FileHashes(tmp_path).of(files[::-1]) == expected
    assert FileHashes(tmp_path).of([]) == []
    assert FileHashes(tmp_path).of([files[0], str(files[0])]) == expected[-1:] * 2


def test_an_unchanged_file_is_read_once(
    files: list[Path], tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
):
    first = FileHashes(tmp_path).of(files)
    assert len(reads) == 5
    for _ in range(2):
        assert FileHashes(tmp_path).of(files) == first
        forget(monkeypatch)
    assert len(reads) == 5


def test_a_file_is_looked_at_once_in_a_plan(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hashes = FileHashes(tmp_path)
    first = hashes.of(files)
    monkeypatch.setattr(os, "stat", None)
    assert hashes.of(files[1:3]) == first[1:3]
    assert FileHashes.at(hashes) is hashes


@pytest.mark.parametrize("change", ["size", "content", "content and times", "replaced"])
def test_a_changed_file_is_read_again(files: list[Path], tmp_path: Path, change: str):
    """Also where size and times are set back: the inode and its time of change differ."""
    before = FileHashes(tmp_path).of(files)
    file = files[2]
    stat = file.stat()
    if change == "size":
        file.write_bytes(b"?" * 99)
    elif change == "replaced":
        other = file.with_name("other")
        other.write_bytes(b"?" * 100)
        os.replace(other, file)
    else:
        file.write_bytes(b"?" * 100)
    if change != "content":
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = FileHashes(tmp_path).of(files)
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, True, False, True, True]


def test_a_damaged_memo_is_completed(
    files: list[Path], tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
):
    before = FileHashes(tmp_path).of(files)
    memo = tmp_path / MEMO
    whole = memo.read_bytes()
    for damaged in (whole[: 3 * RECORD + 7], b"", b"no memo"):
        memo.write_bytes(damaged)
        forget(monkeypatch)
        reads.clear()
        assert FileHashes(tmp_path).of(files) == before
        assert len(reads) == 5 - len(damaged) // RECORD
        reads.clear()
        forget(monkeypatch)
        assert FileHashes(tmp_path).of(files) == before
        assert reads == []


@pytest.mark.parametrize("byte", [0, 20, -1])
def test_a_record_with_a_flipped_bit_is_passed_over(
    files: list[Path], tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch, byte: int
):
    before = FileHashes(tmp_path).of(files)
    memo = tmp_path / MEMO
    whole = bytearray(memo.read_bytes())
    whole[2 * RECORD + byte] ^= 1
    memo.write_bytes(whole)
    for once_more in (1, 0):
        forget(monkeypatch)
        reads.clear()
        assert FileHashes(tmp_path).of(files) == before
        assert len(reads) == once_more


@pytest.mark.parametrize("name", OLDER_MEMOS)
def test_an_older_memo_is_replaced(files: list[Path], tmp_path: Path, name: str):
    (tmp_path / name).write_text("{}")
    FileHashes(tmp_path).of(files)
    assert not (tmp_path / name).exists()
    assert (tmp_path / MEMO).stat().st_size == 5 * RECORD


def test_all_missing_files_are_listed_at_once(files: list[Path], tmp_path: Path):
    for file in files[:2]:
        file.unlink()
    with pytest.raises(DataError, match="2 files cannot be read") as caught:
        FileHashes(tmp_path).of(files)
    assert [str(file) in str(caught.value) for file in files] == [True, True, False, False, False]


def test_two_processes_share_a_memo_without_losing_entries(tmp_path: Path, reads: list[str]):
    files = [tmp_path / f"{number}.bin" for number in range(40)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * 100)
    memo = tmp_path / "memo"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(hash_one_by_one, files[start::2], memo) for start in (0, 1)]
        hashes = [part.result() for part in parts]
    assert FileHashes(memo).of(files)[::2] == hashes[0]
    assert reads == []
    assert FileHashes(tmp_path / "fresh memo").of(files)[::2] == hashes[0]


def test_what_another_process_adds_is_known_without_reading_the_memo_again(
    files: list[Path], tmp_path: Path, reads: list[str]
):
    FileHashes(tmp_path).of(files[:2])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(hash_one_by_one, files, tmp_path).result()
    assert len(FileHashes(tmp_path).of(files)) == 5
    assert len(reads) == 2


def hash_one_by_one(files: list[Path], memo: Path) -> list[str]:
    return [FileHashes(memo).of([file])[0] for file in files]


def test_a_relative_folder_stays_the_same_after_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    FileHashes(Path("memo")).of([tmp_path / "a"])
    monkeypatch.chdir(tmp_path / "elsewhere")
    FileHashes(tmp_path / "memo").of([tmp_path / "b"])
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_never_ends_is_no_file(tmp_path: Path, what: str):
    path = tmp_path / "x.png"
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"x\.png: is no regular file"):
        FileHashes(tmp_path).of([path])
