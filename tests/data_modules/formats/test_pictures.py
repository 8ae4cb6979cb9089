"""Every kind of pixels becomes the right uint8 pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_modules.formats.pictures import read_image

RED_LUMA = 76  # ITU-R 601: 0.299 * 255


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def colours(mode: str, colour: object, size: tuple[int, int] = (6, 4)) -> Image.Image:
    return Image.new(mode, size, colour)


@pytest.mark.parametrize(
    ("image", "name", "grey", "rgb"),
    [
        (colours("L", 100), "a.png", 100, (100, 100, 100)),
        (colours("1", 1), "a.png", 255, (255, 255, 255)),
        (colours("LA", (100, 7)), "a.png", 100, (100, 100, 100)),
        (colours("RGB", (255, 0, 0)), "a.png", RED_LUMA, (255, 0, 0)),
        (colours("RGBA", (255, 0, 0, 0)), "a.png", RED_LUMA, (255, 0, 0)),
        (colours("RGB", (255, 0, 0)).quantize(4), "a.png", RED_LUMA, (255, 0, 0)),
        (colours("RGB", (255, 0, 0)).quantize(4), "a.gif", RED_LUMA, (255, 0, 0)),
        (colours("CMYK", (0, 255, 255, 0)), "a.tif", RED_LUMA, (255, 0, 0)),
        (colours("CMYK", (0, 0, 0, 155)), "a.jpg", 100, (100, 100, 100)),
        (colours("YCbCr", (100, 128, 128)), "a.jpg", 100, (100, 100, 100)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_modes(tmp_path: Path, image: Image.Image, name: str, grey: int, rgb: tuple[int, ...]):
    path = saved(image, tmp_path / name)
    one, size = read_image(path, (4, 6), 1)
    three, _ = read_image(path, (4, 6), 3)
    assert size == (4, 6)
    assert one.dtype == three.dtype == np.uint8
    assert one.shape == (1, 4, 6)
    assert three.shape == (3, 4, 6)
    np.testing.assert_allclose(one, grey, atol=1)
    expected = np.broadcast_to(np.array(rgb)[:, None, None], three.shape)
    np.testing.assert_allclose(three, expected, atol=1)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (np.array([[0, 16384, 65535]], np.uint16), "a.png"),
        (np.array([[0, 1024, 4095]], np.uint16), "a.png"),
        (np.array([[-1000, 0, 3000]], np.int32), "a.tif"),
        (np.array([[-1, -0.5, 1]], np.float32), "a.tif"),
    ],
    ids=["16 bit", "12 in 16 bit", "32 bit", "float"],
)
def test_deep_pixels_are_scaled_by_their_own_range(tmp_path: Path, values: np.ndarray, name: str):
    path = saved(Image.fromarray(values), tmp_path / name)
    np.testing.assert_array_equal(read_image(path, (1, 3), 1)[0][0, 0], [0, 64, 255])


def test_flat_deep_pixels_are_black_and_infinite_ones_are_refused(tmp_path: Path):
    flat = saved(Image.fromarray(np.full((3, 3), 700, np.uint16)), tmp_path / "flat.png")
    assert read_image(flat, (3, 3), 1)[0].max() == 0
    infinite = np.array([[0, np.inf]], np.float32)
    path = saved(Image.fromarray(infinite), tmp_path / "infinite.tif")
    with pytest.raises(ValueError, match="finite"):
        read_image(path, (1, 2), 1)


def test_exif_orientation_is_respected(tmp_path: Path):
    upright = np.zeros((8, 16), np.uint8)
    upright[:, :8] = 255
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees clockwise
    path = saved(Image.fromarray(upright), tmp_path / "a.png", exif=exif)
    image, size = read_image(path, (16, 8), 1)
    assert size == (16, 8)
    np.testing.assert_array_equal(image[0], np.rot90(upright, -1))


def test_a_reduction_does_not_alias(tmp_path: Path):
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    path = saved(Image.fromarray(stripes), tmp_path / "a.png")
    image, size = read_image(path, (8, 8), 1)
    assert size == (64, 64)
    assert np.abs(image[0, :, 1:-1].astype(int) - 127).max() <= 2


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_truncated_file_raises(tmp_path: Path, name: str):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OSError, match="truncated"):
        read_image(path, (8, 8), 1)
