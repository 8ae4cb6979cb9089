"""Tubes as clouds of points: their volume is kept in an image, at any pixel size."""

import numpy as np
import pytest

from data_modules.phantom.anatomy import draw_chest, lungs
from data_modules.phantom.tubes import Cloud, join, skeleton, splat, vessels


def rod(points: int = 100, radius: float = 2.0) -> Cloud:
    """An upright rod, 100 mm long."""
    places = np.zeros((points, 3))
    places[:, 2] = np.linspace(0, 100, points)
    return Cloud(places, np.full(points, radius), np.full(points, 100 / points))


@pytest.mark.parametrize("pixel", [(1.0, 1.0), (2.0, 0.5)])
def test_a_splat_keeps_the_volume(pixel: tuple[float, float]):
    cloud, size = rod(), 64
    middle = np.full(100, size / 2)
    image = splat(cloud, middle + 0.3, middle, np.ones(100), pixel, size)
    assert image.shape == (size, size)
    assert image.sum() * pixel[0] * pixel[1] == pytest.approx(np.pi * 2**2 * 100, rel=1e-6)


def test_points_are_chosen_by_height_and_joined():
    cloud = rod()
    near = cloud.near(50.0, 10.0)
    assert 0 < len(near.places) < 30
    assert (abs(near.places[:, 2] - 50) < 10).all()
    both = join([near, cloud])
    assert len(both.radii) == len(near.radii) + 100 == len(both.steps)


def test_vessels_lie_in_the_lungs_and_bones_on_both_sides():
    chest = draw_chest(np.random.default_rng(2))
    tree = vessels(chest, np.random.default_rng(0))
    assert (lungs(chest, *tree.places.T) < -1).all()
    assert tree.radii.max() > 3 * tree.radii.min()
    bones = skeleton(chest)
    right, left = bones.where(bones.places[:, 0] < 0), bones.where(bones.places[:, 0] > 0)
    np.testing.assert_allclose(np.sort(-right.places[:, 0]), np.sort(left.places[:, 0]))
