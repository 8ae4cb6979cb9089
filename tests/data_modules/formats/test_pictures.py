"""Every kind of pixels becomes the right uint8 pixels."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from data_modules.formats.images import try_read
from data_modules.formats.pictures import read_picture as read_image

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


TWELVE_BIT = np.array([[0, 1024, 4095]])


def write_deep_png(path: Path, values: np.ndarray, colour: int) -> Path:
    """A PNG of 16 bits a channel: uint16 [H, W, C], `colour` 2 (RGB), 4 (grey, alpha), 6 (RGBA)."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    parts = {b"IHDR": header, b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize("colour", [2, 4, 6])
def test_colour_of_16_bits_keeps_its_lower_ones(tmp_path: Path, colour: int):
    """12 bits in them would else be 15 of 255 at most, which is black."""
    opaque = np.full_like(TWELVE_BIT, 65535)
    colours = [TWELVE_BIT] * (1 if colour == 4 else 3)
    values = np.stack([*colours, *[opaque] * (colour > 2)], axis=-1)
    path = write_deep_png(tmp_path / "a.png", values, colour)
    for channels in (1, 3):
        image = read_image(path, (1, 3), channels)[0]
        np.testing.assert_array_equal(image, [[[0, 64, 255]]] * channels)


def test_colours_of_16_bits_share_one_range(tmp_path: Path):
    values = np.stack([TWELVE_BIT, TWELVE_BIT // 2, TWELVE_BIT * 0], axis=-1)
    image = read_image(write_deep_png(tmp_path / "a.png", values, 2), (1, 3), 3)[0]
    np.testing.assert_array_equal(image[:, 0], [[0, 64, 255], [0, 32, 127], [0, 0, 0]])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_white_is_the_largest_value_whatever_a_tiff_calls_white(tmp_path: Path, kind: type):
    for photometric, expected in (("minisblack", [0, 64, 255]), ("miniswhite", [255, 191, 0])):
        path = tmp_path / f"{photometric}.tif"
        tifffile.imwrite(path, np.array([[0, 64, 255]], kind), photometric=photometric)
        np.testing.assert_array_equal(read_image(path, (1, 3), 1)[0][0, 0], expected)


def refused(path: Path) -> str:
    reason = try_read(path, (4, 4), 1)
    assert isinstance(reason, str)
    return reason


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        (np.zeros((4, 4, 3), np.uint16), {"photometric": "rgb"}, "more than 8 bits a colour"),
        (np.full((4, 4), -1, np.int8), {}, "signed 8-bit"),
        (np.full((4, 4), 2**32 - 1, np.uint32), {}, "32-bit pixels above"),
        (np.zeros((3, 9, 9), np.uint8), {"photometric": "minisblack"}, "holds 3 images"),
    ],
)
def test_a_tiff_whose_pixels_cannot_be_read_as_they_are_meant_is_refused(
    tmp_path: Path, values: np.ndarray, options: dict, reason: str
):
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    assert reason in refused(tmp_path / "a.tif")


def test_what_has_several_meanings_is_refused(tmp_path: Path):
    frames = [colours("L", grey) for grey in (0, 50, 100)]
    for name in ("a.gif", "a.png", "a.webp"):
        saved(frames[0], tmp_path / name, save_all=True, append_images=frames[1:])
        assert "holds 3 images; save each" in refused(tmp_path / name)
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 65535\n" + b"\x0f\xff" * 3)
    assert "more than 8 bits a colour" in refused(tmp_path / "a.ppm")
    hidden = np.zeros((4, 4, 4), np.uint8)
    hidden[..., 3] = np.arange(16).reshape(4, 4)
    assert "alpha channel" in refused(saved(Image.fromarray(hidden), tmp_path / "b.png"))
    jpeg = saved(colours("CMYK", (0, 0, 0, 155)), tmp_path / "a.jpg")
    jpeg.write_bytes(jpeg.read_bytes().replace(b"Adobe", b"Other"))
    assert "CMYK JPEG that does not say" in refused(jpeg)


def test_readers_that_start_programs_are_not_used(tmp_path: Path):
    path = saved(colours("L", 9), tmp_path / "a.eps")
    assert refused(path).startswith("is no image of the formats that are read (BMP, GIF, JPEG")
