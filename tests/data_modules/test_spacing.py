"""The option `spacing`, from the files to what a network looks at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scan_files import chest, write_nifti, write_slice

from data_modules.cache import build_cache
from data_modules.config import DataConfig
from data_modules.digest import digest
from data_modules.errors import DataError
from data_modules.formats.images import read_image
from data_modules.registry import load
from data_modules.samples import Samples
from data_modules.spacing import stated_spacing


def loaded(root: Path, name: str = "folder", **options: object) -> Samples:
    return load(DataConfig(name=name, root=str(root), options=options), root)


def bright(pixels: np.ndarray, share: float) -> float:
    """Square millimetres at 2 mm per pixel of what is brighter than half, of 32 looked at."""
    return float((pixels > 127).sum()) * (2.0 / share) ** 2


def test_scanners_of_two_spacings_show_a_body_at_one_size(tmp_path: Path) -> None:
    write_slice(tmp_path / "fine" / "a.dcm", chest(0, 96), PixelSpacing=[0.5, 0.5])
    write_slice(
        tmp_path / "coarse" / "b.dcm",
        chest(0, 48),
        PixelSpacing=[1.0, 1.0],
        SeriesInstanceUID="1.2.9",
    )
    samples = loaded(tmp_path, spacing=2.0)
    assert stated_spacing(samples) == 2.0
    assert any("2 slices are looked at with 2 mm per pixel" in note for note in samples.notes)
    _, cache = build_cache(samples, (32, 32), 1, tmp_path / "cache")
    coarse, fine = (np.array(image[0]) for image in cache.images)
    assert coarse.shape == fine.shape == (37, 37)
    areas = [bright(one, 37 / 32) for one in (coarse, fine)]
    assert areas[0] == pytest.approx(areas[1], rel=0.1)
    assert np.abs(coarse.astype(int) - fine.astype(int)).mean() < 8
    without = loaded(tmp_path)
    assert stated_spacing(without) is None
    assert digest(without, tmp_path / "memo") != digest(samples, tmp_path / "memo")
    other = loaded(tmp_path, spacing=1.5)
    assert digest(other, tmp_path / "memo") != digest(samples, tmp_path / "memo")


def test_a_file_alone_is_read_as_in_the_data_set(tmp_path: Path) -> None:
    write_slice(tmp_path / "a" / "a.dcm", chest(0, 48), PixelSpacing=[0.8, 0.8])
    write_nifti(tmp_path / "b" / "v.nii.gz", slices=2)
    samples = loaded(tmp_path, spacing=1.5)
    for path, named in zip(samples.images(), samples.files(), strict=True):
        whole, own = read_image(path, (32, 32), 1, "crop")
        alone, same = read_image(named, (32, 32), 1, "crop", spacing=1.5)
        np.testing.assert_array_equal(whole, alone)
        assert own == same
        stretched, _ = read_image(path, (32, 32), 1, "stretch")
        np.testing.assert_array_equal(stretched, read_image(named, (32, 32), 1)[0])


def test_pictures_of_a_table_that_states_their_spacing(tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 64), 200, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "samples.csv").write_text("path,label,spacing\na.png,ill,0.5\n")
    samples = loaded(tmp_path, "csv", spacing=1.0)
    pixels, shown = read_image(samples.images()[0], (64, 64), 1, "pad")
    assert shown == (128, 128)
    assert (pixels > 127).mean() == pytest.approx(0.25, abs=0.02)


def test_an_image_without_a_spacing_is_refused(tmp_path: Path) -> None:
    write_slice(tmp_path / "a.dcm")
    write_slice(tmp_path / "b.dcm", PixelSpacing=None, SeriesInstanceUID="1.2.9")
    with pytest.raises(DataError, match=r"1 of 2 state none, such as b\.dcm; leave them out"):
        loaded(tmp_path, spacing=1.5)
    with pytest.raises(ValueError, match=r"states no spacing, and is to be looked at with 1\.5 mm"):
        read_image(tmp_path / "b.dcm", (32, 32), 1, "crop", spacing=1.5)


@pytest.mark.parametrize("option", [0, -1, "fine", True, 100, [1, 1]])
def test_what_is_no_spacing_is_refused(tmp_path: Path, option: object) -> None:
    with pytest.raises(DataError, match=r"data\.options\.spacing: .* is not possible; write mill"):
        loaded(tmp_path, spacing=option)


def test_masks_are_not_resampled(tmp_path: Path) -> None:
    write_slice(tmp_path / "a.dcm")
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(tmp_path / "m.png")
    (tmp_path / "samples.csv").write_text("path,label,mask\na.dcm,ill,m.png\n")
    with pytest.raises(DataError, match=r"masks are not resampled; drop data\.options\.spacing"):
        loaded(tmp_path, "csv", spacing=1.5)
