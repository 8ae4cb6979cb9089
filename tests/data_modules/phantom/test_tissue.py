"""Hounsfield units: air around the body, dark lungs, bright bone, soft edges."""

import numpy as np
import pytest

from data_modules.phantom.anatomy import AIR, draw_chest, lungs
from data_modules.phantom.tissue import hounsfield, inside


def test_the_share_of_a_pixel_passes_over_one_edge():
    np.testing.assert_allclose(
        inside(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), 4.0), [1, 0.75, 0.5, 0.25, 0]
    )


@pytest.mark.parametrize("seed", range(4))
def test_tissues_have_their_densities(seed: int):
    chest = draw_chest(np.random.default_rng(seed))
    x, y = np.meshgrid(np.linspace(-250, 250, 201), np.linspace(-200, 200, 161))
    z = np.full_like(x, 0.5 * chest.height)
    hu = hounsfield(chest, x, y, z, edge=1.0)
    assert hu.min() == AIR == hu[0, 0]
    deep = lungs(chest, x, y, z) < -3
    assert -1000 < np.median(hu[deep]) < -650
    vertebra = hounsfield(chest, *np.array([[0.0], [chest.spine_y], [z[0, 0]]]), edge=1.0)
    assert vertebra[0] > 50
    dense = hounsfield(chest, x, y, z, edge=1.0, opacity=np.full_like(x, 400.0))
    np.testing.assert_allclose((dense - hu)[deep].max(), 400)
    assert (dense - hu)[lungs(chest, x, y, z) > 2].max() == 0
