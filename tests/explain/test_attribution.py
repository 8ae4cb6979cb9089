"""Shares of maps in fields, and their means over groups of images."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matl.evaluation.metrics import draw_patients, patient_codes
from matl.explain.attribution import lung_shares, share_inside
from matl.explain.intervals import mean_by_patient


def fields(seed: int, shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < 0.4


@given(
    st.integers(0, 99),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(6, 40), st.integers(6, 40)),
    st.floats(1e-3, 1e3),
)
@settings(max_examples=40, deadline=None)
def test_a_uniform_map_gets_the_share_of_the_field(
    seed: int, places: tuple[int, int], size: tuple[int, int], level: float
) -> None:
    lungs = fields(seed, (2, *size))
    shares = share_inside(np.full((2, *places), level, dtype=np.float32), lungs)
    expected = np.where(lungs.any(axis=(1, 2)), lungs.mean(axis=(1, 2)), np.nan)
    assert shares == pytest.approx(expected, nan_ok=True)


@given(st.integers(0, 99), st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_the_scale_of_a_map_does_not_matter(seed: int, scale: float) -> None:
    maps = np.random.default_rng(seed).random((3, 4, 5))
    lungs = fields(seed, (3, 33, 47))
    assert share_inside(maps * scale, lungs) == pytest.approx(share_inside(maps, lungs))


def test_a_map_within_the_field_has_all_of_it_there() -> None:
    lungs = np.zeros((1, 6, 8), dtype=bool)
    lungs[0, 2:4, 1:5] = True
    inside, outside = lungs.astype(float), (~lungs).astype(float)
    assert share_inside(inside, lungs) == pytest.approx([1])
    assert share_inside(outside, lungs) == pytest.approx([0])
    assert share_inside(inside + outside / 2, lungs) == pytest.approx([8 / (8 + 20)])


def test_an_empty_map_or_field_has_no_share() -> None:
    lungs = np.ones((2, 4, 4), dtype=bool)
    lungs[1] = False
    maps = np.stack([np.zeros((2, 2)), np.ones((2, 2))])
    assert np.isnan(share_inside(maps, lungs)).all()


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    images = 60
    lungs = random.uniform(0.2, 0.4, images)
    frame = pd.DataFrame(
        {
            "source": "a",
            "patient": [f"p{number // 3}" for number in range(images)],
            "label": np.where(np.arange(images) // 3 % 2, "ill", "well"),
            "outcome": np.where(random.random(images) < 0.7, "right", "wrong"),
            "lung_share": lungs,
            "cam": lungs + 0.1,
        }
    )
    frame.loc[[1, 2], "lung_share"] = np.nan
    frame.loc[[1, 2, 3], "cam"] = np.nan
    return frame


def test_groups_hold_every_image_once() -> None:
    rows = {(r.label, r.outcome): r for r in lung_shares(table(), ["cam"], ["ill", "well"])}
    assert len(rows) == 9
    everything = rows["all", "all"]
    assert (everything.images, everything.empty, everything.patients) == (57, 1, 20)
    crossed = [rows[c, o] for c in ("ill", "well") for o in ("right", "wrong")]
    assert sum(row.images for row in crossed) == 57
    assert sum(row.empty for row in crossed) == 1
    assert sum(rows["all", outcome].images for outcome in ("right", "wrong")) == 57


def test_the_difference_is_taken_image_by_image() -> None:
    for row in lung_shares(table(), ["cam"], ["ill", "well"]):
        assert row.share.value == pytest.approx(row.lungs.value + 0.1)
        assert row.difference.low == pytest.approx(0.1)
        assert row.difference.high == pytest.approx(0.1)
        assert row.share.low < row.share.value < row.share.high


def test_an_interval_is_that_of_drawn_patients_written_out() -> None:
    frame = table().dropna().sample(frac=1, random_state=3)
    found = mean_by_patient(frame["cam"], frame, resamples=50, seed=5)
    codes = patient_codes(frame)
    means = []
    for counts in np.concatenate(list(draw_patients(codes, 50, 5))):
        drawn = [
            value
            for value, code in zip(frame["cam"], codes, strict=True)
            for _ in range(int(counts[code]))
        ]
        means.append(np.mean(drawn))
    assert found.value == pytest.approx(frame["cam"].mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_more_images_of_the_same_patients_are_worth_nothing() -> None:
    frame = table().dropna()
    thrice = pd.concat([frame] * 3, ignore_index=True)
    once = mean_by_patient(frame["cam"], frame)
    again = mean_by_patient(thrice["cam"], thrice)
    assert astuple(again) == pytest.approx(astuple(once))


def test_no_patient_or_one_has_no_interval() -> None:
    frame = table()
    nothing = mean_by_patient(frame["cam"][:0], frame)
    assert (nothing.value, nothing.low) == (None, None)
    one = mean_by_patient(frame["cam"][6:9], frame)
    assert one.value == pytest.approx(frame["cam"][6:9].mean())
    assert one.low is None
