"""Slices at a stated spacing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from data_modules.formats.places import Place, place_of, with_levels, with_zoom
from data_modules.formats.zoom import at_spacing, zoom_of


def disc(side: int, radius_mm: float, spacing: tuple[float, float]) -> np.ndarray:
    """uint8 [1, side, side]: a bright disc in the middle."""
    middle = (side - 1) / 2
    rows, columns = np.mgrid[:side, :side] - middle
    return (255 * (np.hypot(rows * spacing[0], columns * spacing[1]) < radius_mm)).astype(np.uint8)[
        None
    ]


@pytest.mark.parametrize(
    ("own", "wanted", "zoom"),
    [
        ("0.75", 1.5, (0.5, 0.5)),
        ("0.75 x 1.5", 1.5, (0.5, 1.0)),
        ("", 1.5, None),
        ("wide", 1.5, None),
        ("0", 1.5, None),
        ("nan", 1.5, None),
        ("1 x 1 x 1", 1.5, None),
    ],
)
def test_the_zoom_is_the_spacing_over_the_one_that_is_wanted(own, wanted, zoom) -> None:
    assert zoom_of(own, wanted) == zoom


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.5, 1.0), (1.25, 1.25), (3.0, 3.0)])
@pytest.mark.parametrize("side", [80, 160, 301])
def test_a_disc_has_one_size_in_millimetres_whatever_the_scanner(spacing, side: int) -> None:
    image, wanted = disc(side, 18.0, spacing), 1.5
    seen, _ = at_spacing(image, (64, 64), (spacing[0] / wanted, spacing[1] / wanted))
    spare = seen.shape[1] / 64
    area = (seen[0] > 127).sum() * (wanted / spare) ** 2
    assert area == pytest.approx(np.pi * 18.0**2, rel=0.12)
    rows, columns = np.nonzero(seen[0] > 127)
    assert rows.mean() == pytest.approx((seen.shape[1] - 1) / 2, abs=1)
    assert columns.mean() == pytest.approx((seen.shape[2] - 1) / 2, abs=1)


@given(
    some.integers(1, 60),
    some.integers(1, 60),
    some.floats(0.1, 5),
    some.floats(0.1, 5),
    some.integers(32, 80),
)
def test_the_aspect_is_that_of_the_stage_and_no_more_than_the_spare_pixels_are_kept(
    height: int, width: int, first: float, second: float, side: int
) -> None:
    image = np.full((2, height, width), 200, np.uint8)
    seen, shown = at_spacing(image, (side, 2 * side), (first, second))
    assert seen.shape[0] == 2
    assert abs(seen.shape[2] - 2 * seen.shape[1]) <= 1
    assert seen.shape[1] <= round(1.15 * side)
    assert shown == (max(1, round(side / first)), max(1, round(2 * side / second)))


def test_black_stands_where_the_slice_ends() -> None:
    seen, shown = at_spacing(np.full((1, 40, 40), 200, np.uint8), (40, 40), (0.5, 0.5))
    assert shown == (80, 80)
    edge = seen.shape[1] // 8
    assert not seen[0, :edge].any()
    assert (seen[0, 3 * edge : -3 * edge, 3 * edge : -3 * edge] >= 199).all()


def test_a_path_states_it_behind_the_slice_and_the_levels() -> None:
    path = with_zoom(with_levels("a~b/x.nii.gz#003", "-1350.0..150.0HU"), (0.5, 1.25))
    place = place_of(path)
    assert (place.file, place.number, place.zoom) == ("a~b/x.nii.gz", 3, (0.5, 1.25))
    assert place.levels is not None
    assert place_of("a~1.png") == Place("a~1.png")
    assert place_of(with_zoom("a.png", (1e-05, 2.0))).zoom == (1e-05, 2.0)
