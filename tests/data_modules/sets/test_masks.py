"""Masks of volumes and their slices, in a folder of their own and in a table."""

from pathlib import Path

import numpy as np
import pytest
from drawn_images import draw
from scan_files import nibabel, write_enhanced, write_nifti, write_series

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets import csv_table, folder


def of_folder(root: Path) -> list[str]:
    return list(folder.index(root / "scans", masks="../masks").table["mask"])


def of_table(root: Path, *rows: str) -> Samples:
    (root / "samples.csv").write_text("\n".join(["path,label,mask", *rows]))
    return csv_table.index(root)


def test_a_volume_is_the_mask_of_a_volume_slice_by_slice(tmp_path: Path) -> None:
    write_nifti(tmp_path / "scans/scan.nii.gz", 3)
    write_nifti(tmp_path / "masks/scan.nii", 3)
    assert of_folder(tmp_path) == [f"../masks/scan.nii#{number:03}" for number in range(3)]


def test_a_slice_may_have_a_picture_of_its_own(tmp_path: Path) -> None:
    write_nifti(tmp_path / "scans/a.nii.gz", 2)
    write_enhanced(tmp_path / "scans/b.dcm", [0.0, 3.0])
    draw(tmp_path / "masks", "a.nii.gz#000.png", "a#001.png", "b.dcm#001.png")
    samples = folder.index(tmp_path / "scans", masks="../masks")
    assert dict(zip(samples.table["path"], samples.table["mask"], strict=True)) == {
        "a.nii.gz#000": "../masks/a.nii.gz#000.png",
        "a.nii.gz#001": "../masks/a#001.png",
        "b.dcm#000": "",
        "b.dcm#001": "../masks/b.dcm#001.png",
    }
    assert "1 of 4 images have no mask, such as b.dcm#000" in samples.notes


def test_one_picture_is_not_the_mask_of_several_slices(tmp_path: Path) -> None:
    write_nifti(tmp_path / "scans/scan.nii.gz", 2)
    draw(tmp_path / "masks", "scan.png")
    message = "masks/scan.png would be the mask of 2 slices of scan.nii.gz; give a volume of masks"
    with pytest.raises(DataError, match=message):
        of_folder(tmp_path)


def test_a_volume_of_other_voxels_is_no_mask(tmp_path: Path) -> None:
    write_nifti(tmp_path / "scans/scan.nii.gz", 3)
    mask = tmp_path / "masks/scan.nii.gz"
    write_nifti(mask, 4)
    with pytest.raises(DataError, match=r"has 4 x 24 x 24 voxels .* and scan\.nii\.gz 3 x 24 x 24"):
        of_folder(tmp_path)
    nibabel.save(nibabel.Nifti1Image(np.zeros((24, 24, 3), np.uint8), np.eye(4)), mask)
    with pytest.raises(DataError, match=r"of 1 x 1 x 1 mm, .* of 3 x 0\.7 x 0\.7 mm; save a mask"):
        of_folder(tmp_path)
    mask.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"scan\.nii\.gz is no NIfTI file that can be read"):
        of_folder(tmp_path)


def test_a_volume_is_no_mask_of_a_picture_or_a_frame(tmp_path: Path) -> None:
    draw(tmp_path / "scans", "a.png")
    write_nifti(tmp_path / "masks/a.nii.gz", 1)
    with pytest.raises(DataError, match=r"a\.nii\.gz is a volume, and a\.png is none"):
        of_folder(tmp_path)


def test_a_table_names_volumes_of_masks(tmp_path: Path) -> None:
    for name in ("v", "w", "m", "n"):
        write_nifti(tmp_path / f"{name}.nii.gz", 2)
    draw(tmp_path, "p.png", "q.png")
    rows = ("v.nii.gz,,m.nii.gz", "w.nii.gz#001,,n.nii.gz#000", "p.png,,q.png")
    samples = of_table(tmp_path, *rows)
    assert list(samples.table["mask"]) == ["m.nii.gz#000", "m.nii.gz#001", "n.nii.gz#000", "q.png"]
    assert list(of_table(tmp_path, "v.nii.gz#001,,m.nii.gz").table["mask"]) == ["m.nii.gz#001"]
    assert list(of_table(tmp_path, "p.png,,").table["mask"]) == [""]


def test_a_table_names_no_mask_of_several_slices(tmp_path: Path) -> None:
    write_nifti(tmp_path / "v.nii.gz", 2)
    write_series(tmp_path / "s", [0, 3])
    draw(tmp_path, "q.png")
    for row in ("v.nii.gz,,q.png", "s,,q.png"):
        with pytest.raises(DataError, match=r"samples\.csv: q\.png would be the mask of 2 slices"):
            of_table(tmp_path, row)
    several = ("v.nii.gz#000,,q.png", "v.nii.gz#001,,q.png")
    with pytest.raises(DataError, match=r"the mask of 2 slices of v\.nii\.gz"):
        of_table(tmp_path, *several)
