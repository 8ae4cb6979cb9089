"""The cage is where lungs touch it, and stays where a lung falls short of it."""

import numpy as np
import pytest
from drawn_lungs import oval

from matl.lung_fields.cage import fit_cage


def lungs() -> np.ndarray:
    cage = oval(0.5, 0.5, 0.8, 0.6)
    columns = np.arange(128)[None]
    return np.where(cage & (columns < 54), 1, np.where(cage & (columns > 74), 2, 0)).astype("uint8")


def test_it_is_fitted_within_a_pixel():
    cage = fit_cage(lungs())
    assert cage.curve[:4] == pytest.approx([64, 64, 51, 38], abs=1.5)
    assert cage.close > 0.9


@pytest.mark.parametrize("lost", [np.s_[80:, :64], np.s_[50:70, :20], np.s_[84:, :]])
def test_lost_edges_are_bridged(lost):
    sides = lungs()
    sides[lost] = 0
    assert fit_cage(sides).curve[:4] == pytest.approx([64, 64, 51, 38], abs=4)


def test_a_speck_has_no_cage():
    sides = np.zeros((128, 128), dtype=np.uint8)
    sides[60:63, 60] = 1
    sides[60:63, 70] = 2
    assert fit_cage(sides) is None
