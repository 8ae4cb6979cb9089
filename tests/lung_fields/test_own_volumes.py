"""Lungs in volumes of labels, which lie as the slices of their image do."""

from pathlib import Path

import numpy as np
import pytest
from scan_files import nibabel, write_nifti

from data_modules.errors import DataError
from data_modules.formats.images import read_image
from data_modules.formats.volumes import forget
from data_modules.sets import folder
from matl.lung_fields.own import read_lungs

SIZE = (24, 24)


def write_labels(path: Path, shown: np.ndarray) -> None:
    """Labels of slices as they are shown, stored from left to right, unlike the image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.ascontiguousarray(shown.transpose(2, 1, 0)[:, ::-1])
    nibabel.save(nibabel.Nifti1Image(stored, np.diag([-0.7, 0.7, 3.0, 1.0])), path)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_a_volume_of_labels_lies_on_the_slices_of_its_image(tmp_path: Path, kind: type) -> None:
    shown = write_nifti(tmp_path / "scans/scan.nii.gz", 3)
    labels = np.where(shown == 1200, np.arange(1, 4)[:, None, None], 0).astype(kind)
    write_labels(tmp_path / "masks/scan.nii.gz", labels)
    samples = folder.index(tmp_path / "scans", masks="../masks")
    for image, mask in zip(samples.images(), samples.named_files("mask"), strict=True):
        pixels, _ = read_image(image, None, 1)
        lungs = read_lungs(mask, SIZE)
        assert lungs.any()
        np.testing.assert_array_equal(lungs, pixels[0] == 255)
    forget()


def test_organs_are_told_apart_in_a_volume(tmp_path: Path) -> None:
    organs = np.zeros((1, *SIZE), dtype=np.uint8)
    organs[0, 4:9, 4:9], organs[0, 12:20, 4:9] = 13, 51
    write_labels(tmp_path / "m.nii.gz", organs)
    found = read_lungs(tmp_path / "m.nii.gz#000", SIZE, organs=True)
    np.testing.assert_array_equal(found, organs[0] == 13)


def test_what_is_no_slice_of_labels_is_refused(tmp_path: Path) -> None:
    write_labels(tmp_path / "m.nii.gz", np.full((2, *SIZE), 0.5, dtype=np.float32))
    (tmp_path / "damaged.nii.gz").write_bytes(b"no volume")
    for name, message in (
        ("m.nii.gz", r"holds 2 slices, counted from 0; name one of them, as in m\.nii\.gz#000"),
        ("m.nii.gz#002", "holds 2 slices, counted from 0"),
        ("m.nii.gz#001", "its values are no whole numbers, and labels are"),
        ("damaged.nii.gz#000", r"cannot be read as a mask \(is no NIfTI file"),
    ):
        with pytest.raises(DataError, match=message):
            read_lungs(tmp_path / name, SIZE)
