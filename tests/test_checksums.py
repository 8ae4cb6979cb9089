"""What is read back is what was written, or a clear line."""

from pathlib import Path

import pytest
from damaged import damage, flip

from matl.checksums import read_file, write_files
from matl.errors import MatlError
from matl.names import CHECKSUMS


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.csv": b"1,2\n", "b.json": b"{}"})
    assert read_file(tmp_path, "a.csv") == b"1,2\n"
    damage(tmp_path / "a.csv", flip)
    with pytest.raises(MatlError, match=r"a\.csv: is damaged or was changed: its SHA-256") as error:
        read_file(tmp_path, "a.csv")
    assert len(str(error.value).splitlines()) == 1
    assert read_file(tmp_path, "b.json") == b"{}"


@pytest.mark.parametrize("name", ["a.csv", CHECKSUMS])
def test_what_never_ends_is_not_read(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {"a.csv": b"1"})
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(OSError, match="is no regular file"):
        read_file(tmp_path, "a.csv")


def test_a_file_is_replaced_and_removed(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.csv": b"1", "b.csv": b"2"})
    write_files(tmp_path, {"a.csv": b"3", "b.csv": None})
    assert read_file(tmp_path, "a.csv") == b"3"
    assert (tmp_path / CHECKSUMS).read_text().endswith("  a.csv\n")
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path, "b.csv")


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1")
    write_files(tmp_path, {"b.csv": b"2"})
    assert read_file(tmp_path, "a.csv") == b"1"


def test_what_a_kill_left_half_replaced_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"a.csv": b"1", "b.csv": b"2"})
    write = Path.write_bytes

    def killed(path: Path, content: bytes) -> int:
        if content == b"4":
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path, {"a.csv": b"3", "b.csv": b"4"})
    assert (read_file(tmp_path, "a.csv"), read_file(tmp_path, "b.csv")) == (b"3", b"2")
