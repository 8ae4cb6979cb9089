"""DICOM images: their values, their directions, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from scan_files import chest, pydicom, write_enhanced, write_slice

from data_modules.formats.dicom import is_dicom, read_frame, read_header
from data_modules.formats.images import read_image, try_read, try_read_size

EXAMPLE = pydicom.data.get_testdata_file


def test_values_are_hounsfield_units_and_a_window_is_seen(tmp_path: Path) -> None:
    path = write_slice(tmp_path / "a.dcm")
    frame = read_frame(str(path))
    np.testing.assert_array_equal(frame.values, chest())
    assert frame.header.unit == "HU"
    pixels, size = read_image(path, None, 1)
    wanted = np.rint(np.clip((chest() + 1350) / 1500 * 255, 0, 255))
    np.testing.assert_allclose(pixels[0], wanted, atol=1)
    assert size == chest().shape == try_read_size(path)


def test_three_windows_are_three_channels_and_one_is_repeated(tmp_path: Path) -> None:
    path = write_slice(tmp_path / "a.dcm")
    three = read_image(f"{path}@-1350.0..150.0|-150.0..250.0|-500.0..1300.0HU", None, 3)[0]
    for layer, window in zip(
        three, ("-1350.0..150.0", "-150.0..250.0", "-500.0..1300.0"), strict=True
    ):
        np.testing.assert_array_equal(read_image(f"{path}@{window}HU", None, 1)[0][0], layer)
    once = read_image(path, None, 3)[0]
    assert (once == once[:1]).all()


@pytest.mark.parametrize(
    ("directions", "turn"),
    [
        ([-1, 0, 0, 0, -1, 0], lambda shown: shown[::-1, ::-1]),
        ([-1, 0, 0, 0, 1, 0], lambda shown: shown[:, ::-1]),
        ([0, 1, 0, 1, 0, 0], lambda shown: shown.T),
    ],
)
def test_an_axial_slice_is_shown_with_the_patients_left_on_the_right(tmp_path, directions, turn):
    stored = np.ascontiguousarray(turn(chest()))
    path = write_slice(tmp_path / "a.dcm", stored, ImageOrientationPatient=directions)
    np.testing.assert_array_equal(read_frame(str(path)).values, chest())


@pytest.mark.parametrize("signed", [0, 1])
def test_padding_is_no_contrast(tmp_path: Path, signed: int) -> None:
    values = chest()
    values[:3] = 20000 if signed == 0 else 30000 - 65536 // 2
    stored = int(values[0, 0]) + 1024
    path = write_slice(
        tmp_path / "a.dcm", values, PixelRepresentation=signed, PixelPaddingValue=stored
    )
    assert np.isnan(read_frame(str(path)).values[:3]).all()
    assert read_image(path, None, 1)[0][0, :3].max() == 0
    assert read_image(path, None, 1)[0][0, 3:].max() == 255


def test_a_range_of_padding_is_none(tmp_path: Path) -> None:
    values = chest()
    values[0], values[1] = 1976, 1986
    path = write_slice(
        tmp_path / "a.dcm", values, PixelPaddingValue=3000, PixelPaddingRangeLimit=3010
    )
    assert np.isnan(read_frame(str(path)).values).sum() == 2 * values.shape[1]


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    stored = np.array([[0, 100], [500, 1000]]) - 1024
    kinds = {"Modality": "DX", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1", "RescaleIntercept": 0}
    dark = write_slice(tmp_path / "a.dcm", stored, **kinds)
    light = write_slice(
        tmp_path / "b.dcm", stored, PhotometricInterpretation="MONOCHROME1", **kinds
    )
    one, other = (read_image(f"{path}@0.0..1000.0", None, 1)[0][0] for path in (dark, light))
    np.testing.assert_array_equal(one, 255 - other)
    assert other[0, 0] == 255
    assert "no range is stated" in str(try_read(dark, (2, 2), 1))
    assert "are grey" in str(try_read(f"{dark}@0.0..1.0HU", (2, 2), 1))


def test_missing_tags_are_assumed_and_named(tmp_path: Path) -> None:
    known = {"RescaleSlope": None, "RescaleIntercept": None}
    bare = read_header(str(write_slice(tmp_path / "a.dcm", **known)))
    assert bare.unit == "HU"
    assert "RescaleIntercept are missing" in bare.assumed[0]
    reason = try_read(tmp_path / "a.dcm", (4, 4), 1)
    assert "none shows air" in str(reason), "stored values begin at 0: no Hounsfield units"


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("JPEG2000.dcm", "1.2.840.10008.1.2.4.91"),
        ("MR_small_RLE.dcm", "1.2.840.10008.1.2.5"),
        ("MR_small_bigendian.dcm", "1.2.840.10008.1.2.2"),
        ("MR_small_jp2klossless.dcm", "1.2.840.10008.1.2.4.90"),
        ("MR_small_jpeg_ls_lossless.dcm", "1.2.840.10008.1.2.4.80"),
        ("SC_rgb_jpeg_gdcm.dcm", "1.2.840.10008.1.2.4.70"),
    ],
)
def test_compressed_and_big_endian_files_are_read(name: str, syntax: str) -> None:
    path = EXAMPLE(name, download=False)
    assert str(pydicom.dcmread(path).file_meta.TransferSyntaxUID) == syntax
    pixels, _ = read_image(f"{path}@0.0..2000.0", (32, 32), 1)
    assert len(np.unique(pixels)) > 5
    if name.startswith("MR_small"):
        plain = read_image(f"{EXAMPLE('MR_small.dcm')}@0.0..2000.0", (32, 32), 1)[0]
        np.testing.assert_array_equal(pixels, plain)


def test_colours_become_grey_by_their_luma() -> None:
    path = EXAMPLE("SC_rgb_small_odd.dcm", download=False)
    colours = pydicom.dcmread(path).pixel_array.astype(float)
    grey = read_image(path, None, 1)[0][0]
    np.testing.assert_allclose(grey, colours @ [0.299, 0.587, 0.114], atol=1)
    np.testing.assert_array_equal(read_image(path, None, 3)[0].transpose(1, 2, 0), colours)


def test_frames_of_an_enhanced_file_have_their_own_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    frames = write_enhanced(path, [6.0, 0.0, 3.0])
    header = read_header(str(path))
    assert header.unit == "HU"
    assert not header.assumed
    assert header.spacing == (0.7, 0.7)
    np.testing.assert_array_equal(header.heights(), [6, 0, 3])
    np.testing.assert_array_equal(read_frame(str(path), 2).values, frames[2])
    assert try_read(path, (8, 8), 1) == "holds 3 frames; name one, as in file.dcm#000"
    assert "none of the number 3" in str(try_read(f"{path}#003", (8, 8), 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no DICOM file"),
        (b"\x00" * 128 + b"DICM", "is no DICOM file|without an image"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 200, "is no DICOM file"),
    ],
)
def test_what_is_no_dicom_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_frame(str(path))


def test_truncated_pixels_a_dicomdir_and_no_pixels_are_refused(tmp_path: Path) -> None:
    whole = write_slice(tmp_path / "a.dcm").read_bytes()
    (tmp_path / "b.dcm").write_bytes(whole[:-100])
    assert "cannot be decoded" in str(try_read(tmp_path / "b.dcm", (8, 8), 1))
    assert "DICOMDIR" in str(try_read(EXAMPLE("DICOMDIR", download=False), (8, 8), 1))
    plan = EXAMPLE("rtplan.dcm", download=False)
    assert "without an image" in str(try_read(plan, (8, 8), 1))
    assert is_dicom(plan)
    data = pydicom.dcmread(tmp_path / "a.dcm")
    del data.PixelData
    data.save_as(tmp_path / "c.dcm")
    assert try_read(tmp_path / "c.dcm", (8, 8), 1) == "holds no pixels"
