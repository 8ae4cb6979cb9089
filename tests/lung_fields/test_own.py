"""A user's own masks: what counts as lung, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_modules.errors import DataError
from matl.lung_fields.own import at_size, read_lungs, sides_of
from matl.lungs import region_map

SIZE = (60, 90)


def lungs() -> np.ndarray:
    """Both lungs, on the image's left and right, 1 and 2 as lungmask has them."""
    labels = np.zeros(SIZE, dtype=np.uint8)
    labels[10:50, 10:40], labels[10:50, 50:80] = 1, 2
    return labels


def saved(folder: Path, labels: np.ndarray, name: str = "mask.png") -> Path:
    Image.fromarray(labels).save(folder / name)
    return folder / name


@pytest.mark.parametrize("name", ["mask.png", "mask.tif", "mask.bmp"])
@pytest.mark.parametrize("scale", [1, 127])
def test_what_is_not_0_is_lung(tmp_path: Path, name: str, scale: int):
    found = read_lungs(saved(tmp_path, (lungs() > 0).astype(np.uint8) * scale, name), SIZE)
    np.testing.assert_array_equal(found, lungs() > 0)


def test_the_labels_of_lungmask_and_of_16_bits_are_read(tmp_path: Path):
    lobes = lungs() + 2 * (np.arange(60)[:, None] > 30) * (lungs() > 0)
    for labels in (lungs(), lobes.astype(np.uint8), lungs().astype(np.uint16)):
        np.testing.assert_array_equal(read_lungs(saved(tmp_path, labels), SIZE), lungs() > 0)


def test_of_many_organs_the_lobes_are_taken(tmp_path: Path):
    organs = np.where(lungs() == 1, 13, np.where(lungs() == 2, 11, 0)).astype(np.uint8)
    organs[52:58, 40:50] = 51
    file = saved(tmp_path, organs)
    np.testing.assert_array_equal(read_lungs(file, SIZE, organs=True), lungs() > 0)
    with pytest.raises(DataError, match=r"the labels 11 to 51, .* set fields=organs"):
        read_lungs(file, SIZE)


@pytest.mark.parametrize("values", [(127, 255), (1, 7), (50, 100)])
def test_labels_that_are_not_of_lungs_are_refused(tmp_path: Path, values: tuple[int, int]):
    labels = np.array([0, *values], dtype=np.uint8)[lungs()]
    with pytest.raises(DataError, match="a mask of lungs has one, or lungmask's 1 to 5"):
        read_lungs(saved(tmp_path, labels), SIZE)


def test_a_mask_is_turned_as_its_file_says(tmp_path: Path):
    upside_down = Image.fromarray(lungs()[::-1, ::-1])
    exif = Image.Exif()
    exif[0x0112] = 3
    upside_down.save(tmp_path / "turned.png", exif=exif)
    found = read_lungs(tmp_path / "turned.png", SIZE)
    np.testing.assert_array_equal(found, lungs() > 0)


def test_what_is_no_mask_of_the_image_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"mask\.png: the mask is 90 x 60 pixels, and its image 91"):
        read_lungs(saved(tmp_path, lungs()), (60, 91))
    with pytest.raises(DataError, match="is no mask, but colours; save labels as a grey PNG"):
        read_lungs(saved(tmp_path, np.stack([lungs()] * 3, axis=-1)), SIZE)
    with pytest.raises(DataError, match=r"mask\.jpg: cannot be read as a mask"):
        read_lungs(saved(tmp_path, lungs(), "mask.jpg"), SIZE)


def test_sides_are_those_of_the_image_also_where_lungs_touch():
    apart = sides_of(lungs() > 0)
    np.testing.assert_array_equal(apart, lungs())
    touching = lungs() > 0
    touching[28:30, 40:50] = True
    assert set(np.unique(sides_of(touching)[:, :40])) == {0, 1}
    assert set(np.unique(sides_of(touching)[:, 50:])) == {0, 2}
    assert not sides_of(np.zeros(SIZE, dtype=bool)).any()


def test_a_mask_takes_the_place_of_the_lungs_that_would_be_found():
    image = np.full((1, *SIZE), 90, dtype=np.uint8)
    labels = region_map(image, fields="masks", mask=lungs() > 0)
    agree = (labels > 0) == (lungs() > 0)
    assert agree.mean() > 0.95
    assert set(np.unique(labels)) == set(range(7))
    assert not region_map(image, fields="masks").any()
    assert at_size(lungs() > 0, 128).shape == (128, 128)
