"""How an image fits what a stage looks at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_modules.fit import FITS, LONGEST, SPARE, scale, stored_size

SIDES = st.integers(1, 700)
SIZES = st.tuples(st.integers(32, 300), st.integers(32, 300))


@given(own=st.tuples(SIDES, SIDES), size=SIZES, fit=st.sampled_from(["crop", "pad"]))
def test_what_is_stored_keeps_its_aspect_and_is_never_enlarged(own, size, fit):
    factors = [wanted / there for wanted, there in zip(size, own, strict=True)]
    if fit == "crop" and max(factors) > LONGEST * min(factors):
        with pytest.raises(ValueError, match="train with fit=pad"):
            stored_size(own, size, fit)
        return
    stored = stored_size(own, size, fit)
    assert all(1 <= kept <= there for kept, there in zip(stored, own, strict=True))
    factor = min(1, SPARE * scale(own, size, fit))
    for kept, there in zip(stored, own, strict=True):
        assert abs(kept - there * factor) <= 1
    spare = [
        kept + 1 >= min(wanted, own[side])
        for side, (kept, wanted) in enumerate(zip(stored, size, strict=True))
    ]
    assert all(spare) if fit == "crop" else any(spare)


@given(own=st.tuples(SIDES, SIDES), size=SIZES)
def test_a_stretched_image_has_the_size_that_is_looked_at(own, size):
    assert stored_size(own, size, "stretch") == size


@pytest.mark.parametrize(
    ("fit", "factor"), [("crop", 1.5), ("pad", 0.75), ("stretch", 1.5)], ids=FITS
)
def test_the_scale_says_whether_an_image_is_enlarged(fit, factor):
    assert scale((64, 128), (96, 96), fit) == factor
