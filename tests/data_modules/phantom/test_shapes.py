"""Drawn shapes: each of the twelve, the same again from the same generator."""

import numpy as np
import pytest

from data_modules.phantom.figures import FIGURES
from data_modules.phantom.shapes import draw_shape


@pytest.mark.parametrize("name", FIGURES)
def test_a_shape_follows_from_its_generator(name: str):
    one, again, other = (draw_shape(name, 40, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.shape == (40, 40)
    assert one.dtype == np.uint8
    assert one.min() == 0
    assert 170 <= one.max() <= 255
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
