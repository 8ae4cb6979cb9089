"""CT slices: lesions lie where the disease has them."""

import numpy as np
import pytest
from scipy import ndimage

from data_modules.phantom.ct import Scan, draw_scan


def scan(kind: str, number: int) -> Scan:
    return draw_scan(kind, 3, 96, np.random.default_rng([7, number]))


@pytest.mark.parametrize("number", range(6))
def test_covid_lesions_lie_in_the_lungs_at_the_pleura_and_mostly_behind(number: int) -> None:
    drawn = scan("covid", number)
    depth = np.stack([ndimage.distance_transform_edt(field) for field in drawn.lungs])
    back = np.arange(96)[None, :, None] * np.ones_like(depth)
    assert drawn.lesions.any(axis=(1, 2)).all()
    assert not (drawn.lesions & ~drawn.lungs).any()
    assert depth[drawn.lesions].mean() < depth[drawn.lungs].mean()
    assert back[drawn.lesions].mean() > back[drawn.lungs].mean()


@pytest.mark.parametrize("number", range(6))
def test_central_lesions_spare_the_outer_lung(number: int) -> None:
    central, covid = scan("central", number), scan("covid", number)
    shares = []
    for drawn in (central, covid):
        chest = np.stack([ndimage.binary_fill_holes(hull(field)) for field in drawn.lungs])
        depth = np.stack([ndimage.distance_transform_edt(inner) for inner in chest])
        shares.append((depth[drawn.lesions] < 3).mean())
    assert shares[0] < 0.1 < shares[1]


def hull(field: np.ndarray) -> np.ndarray:
    """The lungs with what lies between them."""
    after_left_edge = np.maximum.accumulate(field, axis=1)
    before_right_edge = np.maximum.accumulate(field[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(after_left_edge & before_right_edge)


@pytest.mark.parametrize("kind", ["healthy", "covid", "central"])
def test_lungs_are_dark_inside_a_brighter_body(kind: str) -> None:
    drawn = scan(kind, 3)
    for image, field, lesion in zip(drawn.images, drawn.lungs, drawn.lesions, strict=True):
        lung = np.median(image[ndimage.binary_erosion(field) & ~lesion])
        wall = np.median(image[ndimage.binary_dilation(field, iterations=3) & ~field])
        assert 0.08 < field.mean() < 0.6
        assert wall > lung + 60
