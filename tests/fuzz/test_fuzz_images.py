"""Image files of any bytes."""

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
from fuzzed import Place, assert_harmless, damaged_bytes, fuzz
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

GREY = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)
COLOUR = np.stack([GREY % 256] * 3, axis=-1).astype(np.uint8)


def saved(pixels: np.ndarray, kind: str, mode: str | None = None, **options: object) -> bytes:
    image, file = Image.fromarray(pixels), io.BytesIO()
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)  # type: ignore[arg-type]
    return file.getvalue()


FILES = {
    "grey.png": saved(COLOUR[..., 0], "PNG"),
    "palette.png": saved(COLOUR, "PNG", "P", transparency=3),
    "alpha.png": saved(COLOUR, "PNG", "RGBA"),
    "deep.png": saved(GREY * 16, "PNG"),
    "grey.jpg": saved(COLOUR[..., 0], "JPEG"),
    "progressive.jpeg": saved(COLOUR, "JPEG", progressive=True, quality=90),
    "cmyk.jpg": saved(COLOUR, "JPEG", "CMYK"),
    "grey.bmp": saved(COLOUR[..., 0], "BMP"),
    "colour.webp": saved(COLOUR, "WEBP"),
    "deep.tif": tiff(GREY),
    "white_is_0.tiff": tiff(COLOUR[..., 0], photometric="miniswhite"),
    "deep_colour.tif": tiff(COLOUR.astype(np.uint16) * 256, photometric="rgb"),
    "packed.tif": saved(COLOUR, "TIFF", compression="tiff_lzw"),
}
damaged_files = st.sampled_from(sorted(FILES)).flatmap(
    lambda name: st.tuples(st.just(name), damaged_bytes(FILES[name]))
)
COUNT = itertools.count()


@contextmanager
def added(place: Place, files: list[tuple[str, bytes]]) -> Iterator[None]:
    """Adds training images, under names that no earlier example used."""
    written = []
    for name, content in files:
        kind = "covid" if len(written) % 2 else "other"
        file = place.folder / "scans" / "train" / kind / f"fuzz{next(COUNT)}_{name}"
        file.write_bytes(content)
        written.append(file)
    try:
        yield
    finally:
        for file in written:
            file.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("command", ["data", "plan"])
@fuzz(40)
@given(files=st.lists(damaged_files, min_size=1, max_size=8))
def test_images_are_shown_or_refused(
    scans: Place, command: str, files: list[tuple[str, bytes]]
) -> None:
    with added(scans, files):
        assert_harmless(scans.run(command, "scans.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("on_bad_image", ["stop", "skip"])
@fuzz(10)
@given(files=st.lists(damaged_files, min_size=1, max_size=4))
def test_images_are_trained_on_or_refused(
    scans: Place, on_bad_image: str, files: list[tuple[str, bytes]]
) -> None:
    rule = f"stages.diagnosis.data.on_bad_image={on_bad_image}"
    with added(scans, files):
        assert_harmless(scans.run("run", "scans.yaml", rule))
