"""Discs that open and close masks, checked against their definition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.morphology import disk

from matl.lung_fields.masks import closed, opened, turned

masks = arrays(bool, (24, 24), elements=st.booleans())


@settings(max_examples=30, deadline=None)
@given(masks, st.integers(1, 3))
def test_opening_keeps_where_a_disc_fits_and_closing_only_adds(mask, radius):
    kept = opened(mask, radius)
    assert not (kept & ~mask).any()
    assert (closed(mask, radius) | ~mask).all()


def test_what_is_too_thin_vanishes_without_a_trace():
    mask = np.zeros((32, 32), dtype=bool)
    mask[10:12, 4:28] = True
    assert not opened(mask, 2).any()


def test_a_disc_survives_its_opening():
    mask = np.pad(disk(5).astype(bool), 6)
    assert np.array_equal(opened(mask, 3) & mask, opened(mask, 3))
    assert opened(mask, 3).sum() > 0.8 * mask.sum()


def test_a_small_hole_is_filled_and_a_dome_is_not():
    mask = np.ones((64, 64), dtype=bool)
    mask[5:10, 5:10] = False
    mask[20:44, 20:44] = False
    assert closed(mask, 1)[5:10, 5:10].all()
    assert not closed(mask, 1)[24:40, 24:40].any()


def test_turning_swaps_the_sides():
    sides = np.array([[1, 0, 2], [1, 0, 0]], dtype=np.uint8)
    assert turned(sides).tolist() == [[0, 0, 2], [1, 0, 2]]
    assert np.array_equal(turned(turned(sides)), sides)
