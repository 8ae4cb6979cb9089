"""Decision curves against values computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matl.evaluation.statistics.decision import net_benefit


def test_net_benefit_by_hand() -> None:
    """Of ten, four ill: at 0.5 three are found and one is alarmed, at 0.2 all four and three."""
    label = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    score = np.array([0.9, 0.8, 0.5, 0.3, 0.7, 0.4, 0.2, 0.1, 0.1, 0.0])
    found = net_benefit(label, score, [0.5, 0.2])
    assert list(found.columns) == ["threshold", "model", "treat_all", "treat_none"]
    assert found["threshold"].tolist() == [0.5, 0.2]
    assert found["model"].to_numpy() == pytest.approx([3 / 10 - 1 / 10, 4 / 10 - 3 / 10 / 4])
    assert found["treat_all"].to_numpy() == pytest.approx([0.4 - 0.6, 0.4 - 0.6 / 4])
    assert found["treat_none"].tolist() == [0, 0]


def test_a_perfect_model_has_the_benefit_of_its_positives() -> None:
    label = np.array([0, 0, 0, 1])
    found = net_benefit(label, label.astype(float))
    assert len(found) == 99
    assert found["model"].to_numpy() == pytest.approx(0.25)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_treating_from_0_is_treating_all(rows: list[tuple[int, float]]) -> None:
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    first = net_benefit(label, score, [0.0]).iloc[0]
    assert first["model"] == first["treat_all"] == pytest.approx(label.mean())


@given(st.integers(1, 99))
def test_treating_all_is_worth_nothing_at_the_prevalence(positives: int) -> None:
    label = (np.arange(100) < positives).astype(int)
    found = net_benefit(label, np.zeros(100), [positives / 100])
    assert found["treat_all"].item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("threshold", [-0.1, 1.0, np.nan])
def test_a_threshold_outside_of_the_probabilities_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        net_benefit(np.array([0, 1]), np.array([0.2, 0.7]), [threshold])
