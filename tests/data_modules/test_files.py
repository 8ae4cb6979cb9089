"""Files are replaced whole, also where writing fails."""

import hashlib
import os
from pathlib import Path

import pytest

from data_modules.files import file_digest, read_json, recall, remember, replace_file, sync


def test_a_file_is_replaced_and_no_other_file_is_left(tmp_path: Path):
    file = tmp_path / "a b%.json"
    for content in (b"first", b""):
        replace_file(file, content)
        assert file.read_bytes() == content
        assert list(tmp_path.iterdir()) == [file]
    for _ in range(2):
        replace_file(file, None)
        assert not list(tmp_path.iterdir())


def test_a_failed_replacement_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "a.json"
    file.write_text("old")

    def fail(*paths: Path) -> None:
        raise OSError("disk is gone")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk is gone"):
        replace_file(file, b"new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_digest_is_sha256_of_the_bytes(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"x" * 100_000).hexdigest()


def test_files_and_folders_can_be_synced(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x")
    for path in (tmp_path / "a", tmp_path):
        sync(path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "absent")


def test_what_is_remembered_is_recalled_unless_it_is_damaged(tmp_path: Path):
    memo = tmp_path / "of a kind" / "memo.json"
    assert recall(memo) is None
    for value in ([[1, 2.5], "ü"], []):
        remember(memo, value)
        assert recall(memo) == value
    memo.write_bytes(memo.read_bytes()[:-1] + b" ")
    assert recall(memo) is None


@pytest.mark.parametrize("content", [b"[" * 100_000, '{"a":' * 100_000, b"{", b"", b"\xff"])
def test_what_is_no_json_is_a_value_error(content: str | bytes):
    with pytest.raises(ValueError, match=r"nested too deeply|Expecting|codec|utf"):
        read_json(content)


@pytest.mark.parametrize("content", ["NaN", "[-Infinity]", '{"a": 1e999}'])
def test_numbers_that_are_not_finite_are_no_json(content: str):
    with pytest.raises(ValueError, match="is not finite"):
        read_json(content)
    assert read_json("[1e308, 0.5, 3]") == [1e308, 0.5, 3]


def test_no_other_function_reads_json_of_files():
    """`json.loads` raises RecursionError, which nobody thinks of."""
    root = Path(__file__).parents[2]
    files = [*root.glob("matl/**/*.py"), *root.glob("data_modules/**/*.py")]
    found = {str(one.relative_to(root)) for one in files if "json.load" in one.read_text()}
    of_its_own = {"matl/kept.py", "matl/sealed.py", "matl/backbones/network_table.py"}
    assert found == of_its_own | {"data_modules/files.py"}
