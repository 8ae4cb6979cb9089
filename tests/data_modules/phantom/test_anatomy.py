"""The chest's organs lie where they belong, and a generator gives the same chest again."""

import numpy as np
import pytest

from data_modules.phantom.anatomy import (
    Array,
    airways,
    body,
    costal,
    diaphragm,
    draw_chest,
    ellipsoid,
    heart,
    lungs,
    mediastinum,
    taper,
)

SEEDS = range(5)


def grid(chest, z: float) -> tuple[Array, Array, Array]:
    x, y = np.meshgrid(np.linspace(-200, 200, 101), np.linspace(-150, 150, 101))
    return x, y, np.full_like(x, z * chest.height)


def test_the_same_generator_draws_the_same_chest():
    one, again, other = (draw_chest(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one == again != other


@pytest.mark.parametrize("seed", SEEDS)
def test_lungs_lie_in_the_cage_and_the_cage_in_the_body(seed: int):
    chest = draw_chest(np.random.default_rng(seed))
    for z in (0.4, 0.6, 0.8):
        places = grid(chest, z)
        skin, muscle = body(chest, *places)
        within = lungs(chest, *places) < 0
        assert (costal(chest, *places)[within] < 0).all()
        assert (muscle[within] < 0).all()
        assert (skin <= muscle + 1e-9).all()
        assert not (within & (mediastinum(chest, *places) < 0)).any()
        assert within[:, :50].any()
        assert within[:, 51:].any(), "both lungs are cut"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_heart_is_left_and_in_front_and_the_airways_in_the_middle(seed: int):
    chest = draw_chest(np.random.default_rng(seed))
    x, y, z = grid(chest, 0.3)
    inside = heart(chest, x, y, z) < 0
    assert x[inside].mean() > 5
    assert y[inside].mean() < 0
    x, y, z = grid(chest, 0.8)
    assert abs(x[airways(chest, x, y, z) < 0].mean()) < 1e-6
    foot = grid(chest, -0.5)
    below = costal(chest, *foot) < 0
    assert (diaphragm(chest, *foot)[below] < 0).all(), "below the lungs is the belly"


def test_distances_are_exact_for_a_ball_and_the_cage_narrows_upwards():
    offsets = (np.array([0.0, 6.0]), np.array([0.0, 8.0]))
    np.testing.assert_allclose(ellipsoid(offsets, (5, 5)), [-5, 5])
    chest = draw_chest(np.random.default_rng(0))
    widths = taper(chest, chest.height * np.linspace(0, 1, 20))
    assert widths[0] == 1
    assert (np.diff(widths) <= 0).all()
