"""Scans in the data sets `folder` and `csv`: slices, order, patients and what is odd."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_images import draw
from scan_files import nibabel, pydicom, write_enhanced, write_nifti, write_series, write_slice

from data_modules.cache import build_cache
from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.formats.images import read_image
from data_modules.persons import SALT
from data_modules.registry import load
from data_modules.samples import Samples
from data_modules.sets import csv_table, folder


def notes_of(samples: Samples) -> str:
    return "\n".join(samples.notes)


def test_a_series_is_sorted_by_position_and_its_patient_is_hashed(tmp_path: Path) -> None:
    write_series(tmp_path / "ill" / "scan", [0, 3, 6])
    table = folder.index(tmp_path).table
    assert list(table["path"]) == [f"ill/scan/{name}.dcm" for name in ("003", "002", "001")]
    assert list(table["slice"]) == ["0", "1", "2"]
    assert set(table["spacing"]) == {"0.7"}
    assert set(table["unit"]) == {"HU"}
    assert table["study"].nunique() == table["patient"].nunique() == 1
    assert len(table["patient"][0]) == 16
    assert "778899" not in table.to_csv()
    assert "1.2.3.4" not in table.to_csv()


def test_the_salt_stays_with_the_data_and_is_drawn_anew_elsewhere(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_series(tmp_path / name, [0])
    first, other = (folder.index(tmp_path / name).table["patient"][0] for name in ("one", "two"))
    assert first == folder.index(tmp_path / "one").table["patient"][0] != other
    shutil.copy(tmp_path / "one" / SALT, tmp_path / "two" / SALT)
    assert folder.index(tmp_path / "two").table["patient"][0] == first
    assert (tmp_path / "one" / SALT).stat().st_mode & 0o077 == 0
    (tmp_path / "one" / SALT).write_text("ab")
    with pytest.raises(DataError, match="the salt has less than 64 digits"):
        folder.index(tmp_path / "one")


def test_a_read_only_folder_is_one_line(tmp_path: Path, monkeypatch: Any) -> None:
    write_series(tmp_path, [0])

    def refused(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("data_modules.persons.os.open", refused)  # root may write everywhere
    with pytest.raises(DataError, match=r"is read-only .* make it writable once") as error:
        folder.index(tmp_path)
    assert "\n" not in str(error.value)


def test_volumes_and_frames_are_slices_and_every_nth_is_taken(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz", 5)
    write_enhanced(tmp_path / "b.dcm", [6.0, 0.0, 3.0])
    draw(tmp_path, "c.png")
    samples = folder.index(tmp_path)
    paths = list(samples.table["path"])
    assert paths == [
        *(f"a.nii.gz#{n:03}" for n in range(5)),
        *("b.dcm#001", "b.dcm#002", "b.dcm#000", "c.png"),
    ]
    assert not samples.alone
    every = folder.index(tmp_path, slices={"every": 2}).table
    assert list(every["path"]) == [
        *("a.nii.gz#000", "a.nii.gz#002", "a.nii.gz#004", "b.dcm#001", "b.dcm#000", "c.png"),
    ]
    assert list(every["slice"]) == ["0", "2", "4", "0", "2", ""]
    assert "taken as Hounsfield units" in notes_of(samples)
    for wrong in ("every", {"every": 0}, {"each": 2}, 3):
        with pytest.raises(DataError, match=r"data.options.slices: write all"):
            folder.index(tmp_path, slices=wrong)


def test_slices_of_a_volume_are_never_parted(tmp_path: Path) -> None:
    for number in range(12):
        write_nifti(tmp_path / "ab"[number % 2] / f"{number}.nii.gz", 3)
    samples = folder.index(tmp_path)
    assert samples.table.groupby("patient")["split"].nunique().max() == 1
    assert samples.table["patient"].nunique() == 12
    assert not samples.patients_named


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heights": [0, 3, 12, 15]}, "slices are missing (gaps) in 1 series"),
        ({"heights": [0, 3, 6.8, 9.8]}, "unevenly spaced"),
        ({"heights": [0, 3, 3, 6]}, "several slices have one position"),
        ({"heights": [0, 3], "GantryDetectorTilt": 12}, "the gantry was tilted"),
        ({"heights": [0, 3], "ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "are not axial"),
        ({"heights": [0, 3], "ImagePositionPatient": None}, "positions are missing"),
        (
            {"heights": [0, 3], "RescaleSlope": None},
            "RescaleSlope and RescaleIntercept are missing",
        ),
    ],
)
def test_what_is_odd_in_a_series_is_named(tmp_path: Path, change: dict, message: str) -> None:
    write_series(tmp_path, **change)
    samples = folder.index(tmp_path)
    assert message in notes_of(samples)
    assert len(samples) == len(change["heights"])


def test_localizers_copies_and_files_without_an_image_are_left_out(tmp_path: Path) -> None:
    write_series(tmp_path, [0, 3])
    shutil.copy(tmp_path / "001.dcm", tmp_path / "copy.dcm")
    write_slice(tmp_path / "scout.dcm", height=50.0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_slice(tmp_path / "large.dcm", np.zeros((30, 30), np.int16), height=6.0)
    shutil.copy(pydicom.data.get_testdata_file("rtplan.dcm", download=False), tmp_path / "plan.dcm")
    shutil.copy(pydicom.data.get_testdata_file("DICOMDIR", download=False), tmp_path / "DICOMDIR")
    samples = folder.index(tmp_path)
    assert list(samples.table["path"]) == ["002.dcm", "001.dcm", "large.dcm"]
    for words in (
        *("localizers are left out", "copies of one instance", "1 DICOM file holds no image"),
        *("images are of several sizes", "1 without extension"),
    ):
        assert words in notes_of(samples)


def test_two_series_in_a_folder_are_two_studies(tmp_path: Path) -> None:
    write_series(tmp_path, [0, 3])
    for number in (0, 3):
        write_slice(tmp_path / f"b{number}.dcm", height=number, SeriesInstanceUID="1.2.9")
    samples = folder.index(tmp_path)
    assert "1 folder holds several series, such as the data folder with 2" in notes_of(samples)
    assert samples.table["study"].nunique() == 2
    assert samples.table["patient"].nunique() == 1


def test_dicom_files_without_an_extension_are_found(tmp_path: Path) -> None:
    write_slice(tmp_path / "IM0001")
    write_slice(tmp_path / "1.2.840.7", height=3.0)
    (tmp_path / "README").write_text("no image")
    samples = folder.index(tmp_path)
    assert set(samples.table["path"]) == {"IM0001", "1.2.840.7"}
    assert "1 without extension" in notes_of(samples)


def test_removed_names_are_no_person_and_folders_are(tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        write_series(tmp_path / "ill" / name, [0, 3], PatientID="ANONYMOUS", PatientName="")
        write_series(tmp_path / "well" / f"w{name}", [0, 3], PatientID="", PatientName=None)
    samples = folder.index(tmp_path)
    assert set(samples.table["patient"]) == {"p1", "p2", "wp1", "wp2"}
    assert samples.patients_named


def test_a_name_in_a_path_is_warned_of_without_writing_it(tmp_path: Path) -> None:
    write_series(tmp_path / "DOE_JANE", [0, 3])
    notes = notes_of(folder.index(tmp_path))
    assert "WARNING: 2 names of files or folders hold the patient's name" in notes
    assert "JANE" not in notes


def test_a_table_names_series_volumes_slices_and_files(tmp_path: Path) -> None:
    write_series(tmp_path / "s", [0, 3])
    write_nifti(tmp_path / "v.nii.gz", 3)
    write_nifti(tmp_path / "w.nii.gz", 3)
    draw(tmp_path, "p.png")
    write_enhanced(tmp_path / "e.dcm", [6.0, 0.0, 3.0])
    rows = [
        "path,label,spacing",
        "e.dcm#001,b,",
        "p.png,a,9",
        "w.nii.gz#001,b,",
        "s,a,",
        "v.nii.gz,b,4",
    ]
    (tmp_path / "samples.csv").write_text("\n".join(rows))
    samples = csv_table.index(tmp_path)
    table = samples.table.set_index("path")
    assert list(table.index) == [
        *("e.dcm#001", "p.png", "w.nii.gz#001", "s/002.dcm", "s/001.dcm"),
        *(f"v.nii.gz#{number:03}" for number in range(3)),
    ]
    assert list(table["label"]) == list("babaabbb")
    assert list(table["spacing"]) == ["0.7", "9", "0.7", "0.7", "0.7", "4", "4", "4"]
    assert list(table["slice"]) == ["1", "", "1", "0", "1", "0", "1", "2"]
    assert table["patient"].nunique() == 4, "e.dcm and s are of one person"
    assert table["split"].groupby(table["patient"]).nunique().max() == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("gone.nii.gz,a", "do not exist as files"),
        ("gone.nii.gz#001,a", "do not exist as files"),
        ("empty,a", "is a folder without a DICOM file"),
    ],
)
def test_a_table_that_names_no_scan_is_refused(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "samples.csv").write_text(f"path,label\n{row}\n")
    with pytest.raises(DataError, match=message):
        csv_table.index(tmp_path)


def test_scans_that_cannot_be_read_are_named_when_they_are_listed(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").write_bytes(b"")
    (tmp_path / "c.dcm").write_bytes(b"x" * 500)
    write_slice(tmp_path / "d.dcm", np.zeros((3, 8, 8), np.int16), NumberOfFrames=3)
    samples = folder.index(tmp_path)
    (note,) = [note for note in samples.notes if "cannot be read" in note]
    assert note.startswith("WARNING: 3 scans cannot be read: b.nii.gz is empty; c.dcm is no DICOM")
    assert "d.dcm holds several frames that are no slices" in note
    assert len(samples) == 7


def test_files_that_name_no_series_are_not_several(tmp_path: Path) -> None:
    for number in range(2):
        write_slice(tmp_path / f"{number}.dcm", SeriesInstanceUID=None, PatientID=f"MRN-{number}")
    samples = folder.index(tmp_path)
    assert "several series" not in notes_of(samples)
    assert samples.table["patient"].nunique() == 2


@pytest.mark.real_data
def test_a_real_series_and_real_slices_without_tags(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "dicom", tmp_path / "dicom")
    samples = load(DataConfig(name="folder", root=str(tmp_path / "dicom")), tmp_path)
    table = samples.table
    assert list(table["slice"]) == [*map(str, range(12)), "0", "1"]
    assert list(table["path"][:2]) == ["chest_series/000047.dcm", "chest_series/000044.dcm"]
    assert set(table["window"]) == {"lung"}
    for words in ("slices are missing (gaps) in 1 series", "no tag names the patient of 2 images"):
        assert words in notes_of(samples)
    kept, cache = build_cache(samples, (64, 64), 1, tmp_path / "cache")
    assert len(kept) == len(cache) == 14
    for image in cache.images:
        assert (image > 200).mean() > 0.1, "soft tissue is white in the lung window"
        assert (image < 100).mean() > 0.1, "air is dark"


@pytest.mark.real_data
def test_a_real_volume(real_data: Path, tmp_path: Path) -> None:
    shutil.copy(real_data / "nifti" / "pulmonary_ct_cropped.nii.gz", tmp_path)
    config = DataConfig(name="folder", root=str(tmp_path), options={"slices": {"every": 40}})
    samples = load(config, tmp_path)
    name = "pulmonary_ct_cropped.nii.gz"
    assert list(samples.table["path"]) == [f"{name}#000", f"{name}#040", f"{name}#080"]
    _, cache = build_cache(samples, (64, 64), 1, tmp_path / "cache")
    assert cache.sizes.tolist() == [[102, 122]] * 3
    stored = nibabel.load(tmp_path / name)
    values = np.asarray(stored.dataobj)[:, :, 40]  # stored towards left and back: as it is shown
    wanted = np.clip((values.T + 1350.0) / 1500 * 255, 0, 255)
    seen = read_image(samples.images()[1], None, 1)[0][0]
    np.testing.assert_allclose(seen, wanted, atol=1)
