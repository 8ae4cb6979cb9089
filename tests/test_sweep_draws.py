"""What W&B draws: as its own params.py does (scipy's percentiles of the same table)."""

import math

import pytest

from matl.sweep_draws import draws


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        ({"min": 1, "max": 5}, 1, 5),
        ({"min": 1.0, "max": 5}, 1, 5),
        ({"distribution": "log_uniform", "min": -2, "max": 3}, math.exp(-2), math.exp(3)),
        ({"distribution": "log_uniform_values", "min": 0.1, "max": 3}, 0.1, 3),
        ({"distribution": "inv_log_uniform", "min": -2, "max": 3}, math.exp(-3), math.exp(2)),
        ({"distribution": "inv_log_uniform_values", "min": 0.1, "max": 3}, 0.1, 3),
        ({"distribution": "q_uniform", "min": 4, "max": 16, "q": 10}, 0, 20),
        ({"distribution": "q_log_uniform", "min": 0, "max": 3, "q": 2}, 0, 20),
        ({"distribution": "q_log_uniform_values", "min": 1, "max": 9, "q": 4}, 0, 8),
        ({"distribution": "normal", "mu": 10, "sigma": 1}, 5, 15),
        ({"distribution": "q_normal", "mu": 10, "sigma": 1, "q": 10}, 0, 20),
        ({"distribution": "log_normal"}, math.exp(-5), math.exp(5)),
        ({"distribution": "beta", "a": 2}, 0, 1),
        ({"distribution": "q_beta", "q": 0.25}, 0, 1),
    ],
    ids=str,
)
def test_the_ends_of_a_distribution(spec: dict, low: float, high: float) -> None:
    found = draws(spec)
    assert (min(found), max(found)) == pytest.approx((low, high))


def test_whole_numbers_are_drawn_where_wandb_draws_them() -> None:
    def whole(**spec: object) -> bool:
        return all(isinstance(one, int) for one in draws(spec))

    assert whole(min=1, max=5)
    assert whole(distribution="q_uniform", min=1, max=5, q=1)
    assert not whole(distribution="q_uniform", min=1, max=5)
    assert not whole(distribution="uniform", min=1, max=5)
    assert not whole(min=1, max=5.0)


def test_lists_are_drawn_as_they_are() -> None:
    assert draws({"value": 3}) == [3]
    assert draws({"values": [1, "a"], "probabilities": [0.5, 0.5]}) == [1, "a"]
    for wrong in (
        {"values": []},
        {"values": 3},
        {"value": 1, "min": 2},
        {},
        {"min": True, "max": 2},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            draws(wrong)


def test_values_are_no_exponents() -> None:
    for low in (0, 1e-5):
        with pytest.raises(ValueError, match="W&B would draw 1 to 1"):
            draws({"distribution": "log_uniform", "min": low, "max": 0.1})
