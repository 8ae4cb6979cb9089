"""Opacities: where each kind is placed, and what it spares."""

import numpy as np
import pytest

from data_modules.phantom.anatomy import Chest, costal, draw_chest, lungs
from data_modules.phantom.disease import (
    dependent_density,
    ground_glass_anywhere,
    ground_glass_at_hilum,
    ground_glass_at_pleura,
    nodule,
    probe,
)


@pytest.fixture
def chest() -> Chest:
    return draw_chest(np.random.default_rng(1))


def test_probes_lie_inside_the_lungs_and_know_their_depth(chest: Chest):
    places, depth = probe(chest, 0.5 * chest.height)
    assert len(places) > 500
    assert (lungs(chest, *places.T) < 0).all()
    np.testing.assert_allclose(depth, -costal(chest, *places.T))


def test_each_kind_has_its_place(chest: Chest):
    z = 0.5 * chest.height
    _, depth = probe(chest, z)

    def depths(kind) -> np.ndarray:
        drawn = [kind(np.random.default_rng(seed)).centre for seed in range(40)]
        return -costal(chest, *np.array(drawn).T)

    pleura = depths(lambda rng: ground_glass_at_pleura(chest, z, 500.0, rng))
    hilum = depths(lambda rng: ground_glass_at_hilum(chest, z, 500.0, rng))
    anywhere = depths(lambda rng: ground_glass_anywhere(chest, z, 500.0, rng))
    solid = depths(lambda rng: nodule(chest, z, rng))
    assert pleura.max() < np.quantile(depth, 0.3) + 1e-6
    assert hilum.min() > np.quantile(depth, 0.7) - 1e-6
    assert solid.min() > np.quantile(depth, 0.55) - 1e-6
    assert anywhere.min() < np.median(depth) < anywhere.max()


def test_an_opacity_is_full_at_its_centre_and_ends(chest: Chest):
    rng = np.random.default_rng(0)
    ball = nodule(chest, 0.5 * chest.height, rng)
    away = np.array([0.0, 0.5, 3.0])[:, None] * ball.semi_axes + ball.centre
    np.testing.assert_allclose(ball.share(chest, *away.T), [1, 1, 0], atol=1e-6)
    central = ground_glass_at_hilum(chest, 0.5 * chest.height, 500.0, rng)
    places, depth = probe(chest, 0.5 * chest.height)
    assert not central.share(chest, *places.T)[depth < 16].any()


def test_dependent_density_is_at_the_back_alone(chest: Chest):
    places, _ = probe(chest, 0.5 * chest.height)
    density = dependent_density(chest, *places.T, strength=200.0)
    assert 0 < density.max() <= 240
    assert not density[places[:, 1] < 0.3 * chest.depth].any()
