"""Headers of DICOM files are read once, and what is remembered names nobody."""

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from scan_files import pydicom, write_enhanced, write_series, write_slice

from data_modules.config import DataConfig
from data_modules.file_hashes import FileHashes
from data_modules.persons import SALT, Persons
from data_modules.registry import load
from data_modules.sets import headers
from data_modules.sets.headers import UnnamedHeader, unnamed_headers
from data_modules.sets.scans import expand

TAGS = {
    "PatientName": "Quetzal^Wilhelmina",
    "PatientID": "MRN-4711",
    "SeriesInstanceUID": "1.2.999.1",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose headers are read."""
    files: list[str] = []
    before = headers.read_header

    def counted(file: str):
        files.append(os.path.basename(file))
        return before(file)

    monkeypatch.setattr(headers, "read_header", counted)
    return files


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """Two series, an enhanced file, and a file that is no image."""
    root = tmp_path / "hospital"
    write_series(root / "a", [0, 3, 6], **TAGS)
    write_series(root / "Quetzal", [0, 4], **TAGS | {"SeriesInstanceUID": "1.2.999.2"})
    write_enhanced(root / "enhanced.dcm", [0, 4, 8])
    (root / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\1" * 50)
    write_slice(root / "report.dcm", Rows=None, Columns=None)
    return root


def paths_of(root: Path) -> list[str]:
    return sorted(one.relative_to(root).as_posix() for one in root.rglob("*.dcm"))


def test_nothing_is_read_again_while_nothing_changes(
    hospital: Path, tmp_path: Path, read: list[str]
) -> None:
    paths, memo = paths_of(hospital), tmp_path / "memo"
    first = expand(hospital, paths, memo=memo)
    assert len(read) == len(paths) == 8
    assert expand(hospital, paths, memo=memo) == first
    assert len(read) == 8
    assert expand(hospital, paths) == first  # without what is remembered
    assert len(read) == 16


def test_a_file_that_has_changed_is_read_again(
    hospital: Path, tmp_path: Path, read: list[str]
) -> None:
    paths, memo = paths_of(hospital), tmp_path / "memo"
    expand(hospital, paths, memo=memo)
    read.clear()
    data = pydicom.dcmread(hospital / "a" / "001.dcm")
    data.PixelSpacing = [0.5, 0.5]
    data.save_as(hospital / "a" / "001.dcm")
    rows = {row.path: row.spacing for row in expand(hospital, paths, memo=memo).rows}
    assert read == ["001.dcm"]
    assert (rows["a/001.dcm"], rows["a/002.dcm"]) == ("0.5", "0.7")


def test_under_another_salt_everything_is_read_again(
    hospital: Path, tmp_path: Path, read: list[str]
) -> None:
    paths, memo = paths_of(hospital), tmp_path / "memo"
    first = expand(hospital, paths, memo=memo)
    (hospital / SALT).unlink()
    second = expand(hospital, paths, memo=memo)
    assert len(read) == 16
    assert first.rows[-1].study != second.rows[-1].study


def test_what_is_remembered_names_nobody(hospital: Path, tmp_path: Path) -> None:
    expand(hospital, paths_of(hospital), memo=tmp_path / "memo")
    written = [one.read_bytes() for one in (tmp_path / "memo").rglob("*") if one.is_file()]
    assert written
    for word in (b"Quetzal", b"Wilhelmina", b"4711", b"19500101", b"1.2.999", b"1.2.3.4"):
        assert not any(word in one for one in written)


def test_what_is_remembered_is_what_was_read(hospital: Path, tmp_path: Path) -> None:
    paths, persons = paths_of(hospital), Persons(hospital)
    first = unnamed_headers(hospital, paths, persons, tmp_path / "memo")
    again = unnamed_headers(hospital, paths, persons, tmp_path / "memo")
    assert sum(isinstance(one, str) for one in first) == 2
    for one, other in zip(first, again, strict=True):
        if not isinstance(one, UnnamedHeader):
            assert one == other
            continue
        for field in fields(one):
            np.testing.assert_equal(getattr(other, field.name), getattr(one, field.name))
            assert type(getattr(other, field.name)) is type(getattr(one, field.name))
    assert [one.named for one in first if isinstance(one, UnnamedHeader)].count(True) == 2


def test_what_is_remembered_and_damaged_is_read_again(
    hospital: Path, tmp_path: Path, read: list[str]
) -> None:
    paths, memo = paths_of(hospital), tmp_path / "memo"
    first = expand(hospital, paths, memo=memo)
    [file] = memo.rglob("*.json")
    file.write_bytes(file.read_bytes()[:-1])
    assert expand(hospital, paths, memo=memo) == first
    assert len(read) == 16


@pytest.mark.parametrize("name", ["folder", "csv"])
def test_a_data_set_remembers_beside_the_hashes(tmp_path: Path, read: list[str], name: str) -> None:
    write_series(tmp_path / "scans" / "a", [0, 3, 6], **TAGS)
    (tmp_path / "scans" / "samples.csv").write_text("path,label\na,ill\n")
    config = DataConfig(name=name, root=str(tmp_path / "scans"))
    for _ in range(2):
        assert len(load(config, tmp_path, hashes=FileHashes(tmp_path / "memo"))) == 3
    assert len(read) == 3
