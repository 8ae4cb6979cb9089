"""Ragged arrays give back what they were made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.ragged import Ragged


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=9))
def test_each_array_comes_back_alone_and_padded(shapes):
    arrays = [np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape) + 1 for shape in shapes]
    ragged = Ragged.of(arrays)
    assert len(ragged) == len(arrays)
    for one, array in zip(ragged, arrays, strict=True):
        np.testing.assert_array_equal(one, array)
    rows = np.arange(len(arrays))[::-1]
    batch = ragged.padded(rows)
    assert batch.shape == (len(arrays), *np.max(shapes, axis=0))
    for place, row in zip(batch, rows, strict=True):
        height, width = shapes[row]
        np.testing.assert_array_equal(place[:height, :width], arrays[row])
        assert not place[height:].any()
        assert not place[:, width:].any()


@pytest.mark.parametrize("shapes", [[[2, 3]], [[2, 2], [2, 1]], [[2], [3, 1]], [[-1, -5]], []])
def test_shapes_that_do_not_fit_the_bytes_are_refused(shapes):
    with pytest.raises(ValueError):  # noqa: PT011 - of NumPy, too
        Ragged(np.zeros(5, np.uint8), shapes)
