"""The series of a folder, and nothing that says whose they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scan_files import pydicom, write_enhanced, write_nifti, write_series, write_slice

from data_modules.audit.studies import find_studies, middle_slices
from data_modules.audit.unnamed import HIDDEN
from data_modules.errors import DataError
from data_modules.formats.dicom_technique import Technique

MADE = {
    "ConvolutionKernel": ["B70f", "2"],
    "Manufacturer": "SIEMENS",
    "ManufacturerModelName": "Sensation  64",
    "WindowCenter": [-600, 40],
    "WindowWidth": [1500, 400],
}


def test_a_series_says_how_it_was_made(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [0, 2.5, 5], **MADE)
    [one] = find_studies(tmp_path).studies
    assert (one.place, len(one.rows), one.size) == ("a", 3, (24, 24))
    assert one.step == pytest.approx(2.5)
    assert one.middle.spacing == "0.7"
    assert one.technique == Technique("CT", "B70f/2", "SIEMENS Sensation 64", "-600 / 1500")


def test_what_files_do_not_say_is_empty(tmp_path: Path) -> None:
    nothing = ("Modality", "PixelSpacing", "ImagePositionPatient", "SeriesInstanceUID")
    write_slice(tmp_path / "one.dcm", **dict.fromkeys(nothing))
    [one] = find_studies(tmp_path).studies
    assert (one.place, one.step, one.middle.spacing) == ("one.dcm", None, "")
    assert one.technique == Technique()


def test_volumes_and_multi_frame_files_have_a_row_each(tmp_path: Path) -> None:
    write_nifti(tmp_path / "volume.nii.gz", slices=5)
    write_enhanced(tmp_path / "enhanced.dcm", [0, 4, 8, 12])
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "picture.png")
    found = find_studies(tmp_path)
    rows = {one.place: (one.technique.modality, len(one.rows), one.step) for one in found.studies}
    assert rows == {"enhanced.dcm": ("CT", 4, 4.0), "volume.nii.gz": ("nii.gz", 5, 3.0)}
    assert "1 image is a picture, or no slice of a scan, and in no row" in found.notes


def test_nothing_says_who_was_scanned_and_nothing_is_written(tmp_path: Path) -> None:
    tags = {"PatientName": "Quetzal^Wilhelmina", "PatientID": "MRN-4711", **MADE}
    paths = write_series(tmp_path / "Wilhelmina" / "a", [0, 3, 6, 12], **tags)
    data = pydicom.dcmread(paths[2])
    data.ManufacturerModelName = "scan of quetzal"
    data.save_as(paths[2])
    before = sorted(tmp_path.rglob("*"))
    found = find_studies(tmp_path)
    [one] = found.studies
    said = f"{one.place} {one.technique} {found.notes}".lower()
    for word in ("quetzal", "wilhelmina", "4711", "1.2.3.4"):
        assert word not in said
    assert one.place == HIDDEN
    assert any("slices are missing (gaps)" in note and HIDDEN in note for note in found.notes)
    assert sorted(tmp_path.rglob("*")) == before


def test_no_note_and_no_volume_beside_the_series_says_who_was_scanned(tmp_path: Path) -> None:
    own = tmp_path / "Wilhelmina"
    tags = {"PatientName": "Quetzal^Wilhelmina", "PatientID": "MRN-4711"}
    write_series(own, [0, 3, 6], **tags, SeriesInstanceUID="1.2.1")
    kinds = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "SeriesInstanceUID": "1.2.2"}
    write_slice(own / "localizer.dcm", **tags, **kinds)
    write_slice(own / "zz.dcm", **tags)
    data = pydicom.dcmread(own / "zz.dcm")
    del data.Rows, data.Columns, data.PixelData
    data.save_as(own / "zz.dcm")
    (own / "bad.dcm").write_bytes(b"nothing")
    (own / "note.wilhelmina").touch()
    (own / "empty").mkdir()
    (own / "quetzal").mkdir()
    write_nifti(own / "v.nii.gz")
    found = find_studies(tmp_path)
    assert {one.place for one in found.studies} == {HIDDEN}
    said = " ".join(found.notes)
    assert "wilhelmina" not in said.lower()
    assert "quetzal" not in said.lower()
    for words in (
        f"such as {HIDDEN} with 2",
        f"such as that of {HIDDEN}",
        f"cannot be read: {HIDDEN}",
        f"hold no image, such as {HIDDEN}",
    ):
        assert words in said


def test_that_nothing_is_found_names_nobody(tmp_path: Path) -> None:
    write_slice(tmp_path / "Wilhelmina" / "zz.dcm", PatientName="Quetzal^Wilhelmina")
    data = pydicom.dcmread(tmp_path / "Wilhelmina" / "zz.dcm")
    del data.Rows, data.Columns, data.PixelData
    data.save_as(tmp_path / "Wilhelmina" / "zz.dcm")
    with pytest.raises(DataError) as error:
        find_studies(tmp_path)
    assert "Wilhelmina" not in str(error.value)
    assert f"such as {HIDDEN}" in str(error.value)


def test_short_names_hide_whole_words_and_no_number_of_a_note(tmp_path: Path) -> None:
    names = {"PatientName": "Lee^Kim", "PatientID": "12"}
    for place in ("Lee_Kim/a", "sleek/a", "s12/a", "x-12/a"):
        write_series(tmp_path / place, [0, 3, 6, 12], **names, SeriesInstanceUID="1.2.1")
    found = find_studies(tmp_path)
    places = [one.place for one in found.studies]
    assert sorted(places) == [HIDDEN, HIDDEN, "s12/a", "sleek/a"]
    for number in range(8):
        write_series(tmp_path / f"more{number}", [0, 3, 6, 12], **names, SeriesInstanceUID="1.2.1")
    assert any("in 12 series" in note for note in find_studies(tmp_path).notes)


def test_a_modality_is_shown_whatever_the_identifier(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [0, 3], PatientID="CT 0815")
    [one] = find_studies(tmp_path).studies
    assert one.technique.modality == "CT"


def test_each_folder_and_each_volume_has_a_row_of_its_own(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_series(tmp_path / folder, [0, 3, 6], SeriesInstanceUID="1.2.1")
    write_nifti(tmp_path / "x.nii", slices=3)
    write_nifti(tmp_path / "x.nii.gz", slices=4)
    rows = {one.place: len(one.rows) for one in find_studies(tmp_path).studies}
    assert rows == {"a": 3, "b": 3, "x.nii": 3, "x.nii.gz": 4}


def test_the_middle_slice_of_each_series_is_drawn(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", [0, 3, 6])
    write_slice(tmp_path / "mr" / "one.dcm", Modality="MR", SeriesInstanceUID="1.2.9")
    paths = write_series(tmp_path / "bad", [0], SeriesInstanceUID="1.2.10")
    data = pydicom.dcmread(paths[0])
    data.PixelData = data.PixelData[:100]
    data.save_as(paths[0])
    found = find_studies(tmp_path)
    tiles = dict(zip([one.place for one in found.studies], middle_slices(found, 48), strict=True))
    assert tiles["bad/001.dcm"] is None
    assert tiles["ct"].shape[0] == 1
    for name in ("ct", "mr/one.dcm"):
        assert np.ptp(tiles[name]) > 100


def test_a_folder_without_scans_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "picture.png")
    with pytest.raises(DataError, match="holds no DICOM series and no volume; 1 image is a pict"):
        find_studies(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        find_studies(tmp_path / "nowhere")


def test_real_series_of_several_makers(real_data: Path) -> None:
    found = find_studies(real_data / "dicom")
    series, single = sorted(found.studies, key=lambda one: -len(one.rows))
    assert (len(series.rows), series.size, series.technique.kernel) == (12, (512, 512), "B70f")
    assert single.technique.modality == ""
    assert all(one is not None for one in middle_slices(found, 64))
