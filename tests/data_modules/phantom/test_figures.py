"""Twelve outlines: each has an inside of some size around its centre, and none is another."""

import numpy as np
import pytest

from data_modules.phantom.figures import FIGURES

LINE = np.linspace(-2, 2, 81)


def cut(name: str) -> np.ndarray:
    x, y = np.meshgrid(LINE, LINE)
    return FIGURES[name](x, y, np.random.default_rng(0)) < 0


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_inside_its_frame(name: str):
    inside = cut(name)
    assert 0.01 < inside.mean() < 0.3
    x, y = np.meshgrid(LINE, LINE)
    assert np.hypot(x, y)[inside].max() < 1.8


def test_no_figure_is_another():
    assert len(FIGURES) == 12
    assert len({cut(name).tobytes() for name in FIGURES}) == 12
