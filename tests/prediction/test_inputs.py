"""Which files are scored, and what is refused."""

import os
from pathlib import Path

import pytest
from scan_files import write_slice

from data_modules.errors import DataError
from data_modules.persons import SALT, Persons
from matl.errors import MatlError
from matl.prediction.inputs import ImageFile, find_inputs


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a.png", "deep/er/b.jpg", "c.txt"):
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scans" / name).touch()
    return tmp_path / "scans"


def test_files_folders_and_tables_are_joined_each_file_once(images: Path) -> None:
    (images / "list.csv").write_text("path\n./a.png\nmissing.png\n")
    found = find_inputs([images / "c.txt", images, images / "a.png", images / "list.csv"])
    names = [os.path.relpath(one.path, images) for one in found.files]
    assert names == ["c.txt", "a.png", "deep/er/b.jpg", "missing.png"]
    assert "2 files are named more than once, and scored once" in found.notes
    assert any("1 .csv, 1 .txt" in note or "1 .txt, 1 .csv" in note for note in found.notes)


def test_patients_of_folders_without_a_salt_are_told_apart_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    for folder, person in (("a", "MRN-1"), ("b", "MRN-1"), ("c", "MRN-2")):
        write_slice(tmp_path / folder / "one.dcm", PatientID=person)
    before = sorted(tmp_path.rglob("*"))
    folders = [tmp_path / name for name in "abc"]
    first, again, other = (one.patient for one in find_inputs(folders).files)
    assert first == again != other
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "a" / SALT).write_text("ab" * 32)
    salted = Persons(tmp_path / "a").stand_in("MRN-1|")
    assert [one.patient == salted for one in find_inputs(folders).files] == [True, False, False]


def test_earlier_predictions_are_no_inputs(images: Path) -> None:
    found = find_inputs([images], images / "deep")
    assert [one.path for one in found.files] == [str(images / "a.png")]
    assert any("1 files in" in note and "where predictions go" in note for note in found.notes)


def test_a_table_may_name_patients_and_absolute_paths(images: Path) -> None:
    (images / "list.csv").write_text(f"study,path,patient\n1,{images / 'a.png'},=p\n")
    [one] = find_inputs([images / "list.csv"]).files
    assert one == ImageFile(str(images / "a.png"), "=p", "1")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file\na.png\n", "no column 'path' in file"),
        ("path,Patient\na.png,1\n", "unknown column 'Patient': rename it to 'patient'"),
        ("path,patient\n,1\n", "1 rows have no path"),
        ("path,patient\na.png,1\na.png,2\n", "is named twice, with the patient '1' and '2'"),
        ("path\n", "holds no image to score"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(images: Path, table: str, message: str) -> None:
    (images / "list.csv").write_text(table)
    with pytest.raises(MatlError, match=message):
        find_inputs([images / "list.csv"])


def test_paths_that_hold_nothing_are_refused(images: Path) -> None:
    with pytest.raises(MatlError, match="no such file or folder"):
        find_inputs([images / "nowhere"])
    (images / "text").mkdir()
    (images / "c.txt").rename(images / "text" / "c.txt")
    with pytest.raises(MatlError, match=r"holds no image to score .*1 \.txt"):
        find_inputs([images / "text"])
    (images / "bad.csv").write_bytes(b"path\n\xff\n")
    with pytest.raises(DataError, match="line 2 is not UTF-8"):
        find_inputs([images / "bad.csv"])
    os.mkfifo(images / "pipe")
    with pytest.raises(MatlError, match="is no regular file"):
        find_inputs([images / "pipe"])
