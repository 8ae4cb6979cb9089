"""Volumes: slices in the patient's directions, each file read once, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from scan_files import chest, nibabel, write_nifti

from data_modules.formats import nifti, volumes
from data_modules.formats.images import read_image, try_read, try_read_size

AFFINES = [
    np.diag([0.7, 0.7, 3.0, 1.0]),
    np.diag([-0.7, -0.7, 3.0, 1.0]),
    np.diag([-0.7, 0.7, -3.0, 1.0]),
    np.array([[0, 0, 0.7, 5], [3.0, 0, 0, 1], [0, -0.7, 0, 2], [0, 0, 0, 1]])[[0, 2, 1, 3]],
]


@pytest.mark.parametrize("affine", AFFINES)
def test_slices_are_axial_with_the_patients_left_on_the_right(tmp_path, affine):
    shown = write_nifti(tmp_path / "a.nii.gz", 4, affine)
    header = volumes.read_header(str(tmp_path / "a.nii.gz"))
    assert header.shape == shown.shape
    assert header.spacing == pytest.approx((3.0, 0.7, 0.7))
    np.testing.assert_array_equal(volumes.read_volume(str(tmp_path / "a.nii.gz")), shown)
    pixels, size = read_image(tmp_path / "a.nii.gz#002", None, 1)
    assert size == shown.shape[1:] == try_read_size(tmp_path / "a.nii.gz#002")
    wanted = np.clip((shown[2] + 1350.0) / 1500 * 255, 0, 255)
    np.testing.assert_allclose(pixels[0], wanted, atol=1)


@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd"])
@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, -1, 0, 0, 0, 1)])
def test_metaimage_and_nrrd_are_the_same_volume(tmp_path, name, direction):
    sitk = pytest.importorskip("SimpleITK", reason="pip install 'matl[volumes]'")
    shown = np.stack([chest(number) for number in range(3)])
    stored = shown if direction[0] > 0 else shown[:, ::-1, ::-1]
    image = sitk.GetImageFromArray(np.ascontiguousarray(stored))
    image.SetSpacing((0.5, 0.5, 2.0))
    image.SetDirection(direction)
    sitk.WriteImage(image, str(tmp_path / name))
    np.testing.assert_array_equal(volumes.read_volume(str(tmp_path / name)), shown)
    assert volumes.read_header(str(tmp_path / name)).spacing == (2.0, 0.5, 0.5)


def test_a_volume_is_read_once_for_all_of_its_slices(tmp_path, monkeypatch):
    write_nifti(tmp_path / "a.nii.gz", 4)
    reads, read = [], nifti.volume
    monkeypatch.setattr(nifti, "volume", lambda file: reads.append(file) or read(file))
    for number in range(4):
        read_image(tmp_path / f"a.nii.gz#{number:03}", (8, 8), 1)
    assert len(reads) == 1
    write_nifti(tmp_path / "a.nii.gz", 5)
    assert read_image(tmp_path / "a.nii.gz#004", (8, 8), 1)
    assert len(reads) == 2


def _saved(path: Path, values: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 4, 4, 2), np.int16), "has 4 axes (4 x 4 x 4 x 2)"),
        (np.zeros((4, 4), np.int16), "has 2 axes"),
        (np.full((4, 4, 4), np.nan, np.float32), "64 voxels that are NaN or infinite"),
        (np.zeros((4, 4, 4), np.complex64), "complex"),
        (np.arange(64, dtype=np.int16).reshape(4, 4, 4), "options.range"),
    ],
)
def test_what_is_no_volume_of_values_is_refused(tmp_path, values, message):
    path = _saved(tmp_path / "a.nii", values)
    assert message in str(try_read(f"{path}#000", (4, 4), 1))


def test_a_broken_affine_is_refused(tmp_path: Path) -> None:
    content = bytearray(_saved(tmp_path / "a.nii", np.zeros((4, 4, 4), np.int16)).read_bytes())
    content[254:256] = (2).to_bytes(2, "little")  # sform_code
    content[312:328] = bytes(16)  # srow_z
    (tmp_path / "a.nii").write_bytes(content)
    assert "has a broken affine" in str(try_read(tmp_path / "a.nii#000", (4, 4), 1))


def test_a_damaged_or_absent_slice_is_named(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz")
    assert "holds 4 slices, and none of the number 4" in str(
        try_read(tmp_path / "a.nii.gz#004", (4, 4), 1)
    )
    assert "holds 4 slices; name one" in str(try_read(tmp_path / "a.nii.gz", (4, 4), 1))
    whole = (tmp_path / "a.nii.gz").read_bytes()
    for name, content in {"b.nii.gz": whole[:-200], "c.nii.gz": b"", "d.mha": b"no"}.items():
        (tmp_path / name).write_bytes(content)
        assert isinstance(try_read(tmp_path / f"{name}#000", (4, 4), 1), str)


def test_a_range_reads_other_values_than_hounsfield_units(tmp_path: Path) -> None:
    path = _saved(tmp_path / "a.nii", np.arange(64, dtype=np.int16).reshape(4, 4, 4))
    pixels = read_image(f"{path}#000@0.0..63.0", None, 1)[0]
    assert pixels.max() > 200
