"""Linear CKA against slow forms, and what it must not depend on."""

from dataclasses import astuple
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from matl.explain.cka import align, linear_cka, unbiased_cka

SEEDS = st.integers(0, 2**31)


def features(seed: int, images: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Two related sets of features of the same images."""
    random = np.random.default_rng(seed)
    first = random.normal(size=(images, 7)) + 3
    return first, first @ random.normal(size=(7, 5)) + random.normal(size=(images, 5))


def slow_cka(first: np.ndarray, second: np.ndarray) -> float:
    """The paper's equations 3 and 4: tr(KHLH) over the roots of tr(KHKH) and tr(LHLH)."""
    count = len(first)
    centring = np.eye(count) - np.ones((count, count)) / count

    def hsic(one: np.ndarray, other: np.ndarray) -> float:
        return np.trace(one @ one.T @ centring @ other @ other.T @ centring) / (count - 1) ** 2

    return hsic(first, second) / np.sqrt(hsic(first, first) * hsic(second, second))


def slow_unbiased_hsic(first: np.ndarray, second: np.ndarray) -> float:
    """Song et al.: the mean over four different images of K_ij (L_ij + L_qr - 2 L_iq)."""
    k, m = first @ first.T, second @ second.T
    fours = list(permutations(range(len(first)), 4))
    return sum(k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in fours) / len(fours)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_equals_the_papers_form(seed: int) -> None:
    assert linear_cka(*features(seed)) == pytest.approx(slow_cka(*features(seed)))


@pytest.mark.parametrize("seed", range(3))
def test_unbiased_equals_the_sum_over_four_images(seed: int) -> None:
    first, second = features(seed, images=7)
    own = slow_unbiased_hsic(first, first) * slow_unbiased_hsic(second, second)
    expected = slow_unbiased_hsic(first, second) / np.sqrt(own)
    assert unbiased_cka(first, second) == pytest.approx(expected)


@given(SEEDS, st.floats(1e-3, 1e3), st.floats(-100, 100))
@settings(max_examples=30, deadline=None)
def test_rotation_scale_and_mean_do_not_matter(seed: int, scale: float, shift: float) -> None:
    first, second = features(seed)
    turn = stats.ortho_group.rvs(7, random_state=seed)
    moved = scale * first @ turn + shift
    for cka in (linear_cka, unbiased_cka):
        assert cka(moved, second) == pytest.approx(cka(first, second))
        assert cka(second, first) == pytest.approx(cka(first, second))
        assert cka(first, moved) == pytest.approx(1)


@given(SEEDS, SEEDS)
@settings(max_examples=30, deadline=None)
def test_lies_between_zero_and_one(seed: int, other: int) -> None:
    assert 0 <= linear_cka(features(seed)[0], features(other)[1]) <= 1 + 1e-12


def test_the_order_of_the_images_matters_only_between_the_two() -> None:
    first, second = features(0)
    order = np.random.default_rng(0).permutation(len(first))
    assert linear_cka(first[order], second[order]) == pytest.approx(linear_cka(first, second))
    assert linear_cka(first[order], second) < linear_cka(first, second)


def test_stretching_one_direction_matters() -> None:
    first, _ = features(0)
    stretched = first * np.array([30, 1, 1, 1, 1, 1, 1])
    assert linear_cka(first, stretched) < 0.9


def test_many_features_of_few_images_seem_alike_but_for_the_unbiased_form() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 20, 500))
    assert linear_cka(first, second) > 0.9
    assert abs(unbiased_cka(first, second)) < 0.1


def test_the_interval_is_the_jackknife_over_patients() -> None:
    first, second = features(3, images=24)
    patients = np.repeat(np.arange(100, 112), 2)
    [found] = align({"a": {8: first}, "b": {8: second}}, [("a", "b")], patients)
    left_out = [
        linear_cka(first[patients != one], second[patients != one]) for one in np.unique(patients)
    ]
    error = np.sqrt(11 / 12 * ((left_out - np.mean(left_out)) ** 2).sum())
    reach = stats.t.ppf(0.975, 11) * error
    value = linear_cka(first, second)
    assert (found.first, found.second, found.stride) == ("a", "b", 8)
    assert (found.cka.value, found.cka.high) == pytest.approx((value, min(1, value + reach)))
    assert found.cka.low == pytest.approx(value - reach)
    assert found.unbiased == pytest.approx(unbiased_cka(first, second))


def test_more_images_of_the_same_patients_are_worth_nothing() -> None:
    first, second = features(1, images=20)
    patients = np.arange(20)
    networks = {"a": {8: first}, "b": {8: second}}
    thrice = {name: {8: np.repeat(one[8], 3, axis=0)} for name, one in networks.items()}
    [once] = align(networks, [("a", "b")], patients)
    [again] = align(thrice, [("a", "b")], np.repeat(patients, 3))
    assert astuple(again.cka) == pytest.approx(astuple(once.cka))


def test_many_patients_are_left_out_in_groups() -> None:
    first, second = features(2, images=300)
    [found] = align({"a": {4: first}, "b": {4: second}}, [("a", "b")], np.arange(300))
    assert found.cka.low < found.cka.value < found.cka.high < found.cka.low + 0.2


def test_what_cannot_be_computed_is_none() -> None:
    same = np.ones((6, 3))
    networks = {"a": {2: same}, "b": {2: features(0, images=6)[0]}}
    [found] = align(networks, [("a", "b")], np.arange(6))
    assert (found.cka.value, found.cka.low, found.unbiased) == (None, None, None)
    few = {name: {2: one[2][:3]} for name, one in networks.items()}
    [found] = align({"a": few["b"], "b": few["b"]}, [("a", "b")], np.zeros(3, dtype=int))
    assert found.cka.value == pytest.approx(1)
    assert (found.cka.low, found.unbiased) == (None, None)
    with pytest.raises(ValueError, match="needs 4"):
        unbiased_cka(few["b"][2], few["b"][2])
