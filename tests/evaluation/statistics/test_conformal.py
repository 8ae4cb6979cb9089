"""Sets of possible classes: their definition by p-values, and their coverage of new persons."""

import numpy as np
import pytest

from matl.evaluation.statistics.conformal import fewest_persons, fit_conformal


def drawn(random: np.random.Generator, persons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities of two classes and persons; a person's images err together."""
    person = np.repeat(np.arange(persons), random.integers(1, 5, persons))
    label = random.integers(0, 2, persons)[person]
    logit = 1.5 * (2 * label - 1) + random.normal(0, 1.5, persons)[person]
    positive = 1 / (1 + np.exp(-logit - random.normal(0, 0.5, len(person))))
    return label, np.stack([1 - positive, positive], axis=1), person


@pytest.mark.parametrize("coverage", [0.5, 0.7, 0.8, 0.9])
def test_a_class_is_possible_by_its_p_value(coverage: float) -> None:
    random = np.random.default_rng(0)
    label, probabilities, person = drawn(random, 19)
    sets = fit_conformal(label, probabilities, person, coverage)
    own = 1 - probabilities[np.arange(len(label)), label]
    worst = np.array([own[person == one].max() for one in range(19)])
    _, new, _ = drawn(random, 50)
    p_values = ((worst >= 1 - new[..., None]).sum(axis=2) + 1) / 20
    np.testing.assert_array_equal(sets.possible(new), p_values > 1 - coverage + 1e-9)


def test_the_coverage_is_over_persons_and_within_its_interval() -> None:
    random = np.random.default_rng(1)
    reached, inside = [], 0
    for _ in range(400):
        sets = fit_conformal(*drawn(random, 24), 0.8)
        label, probabilities, person = drawn(random, 500)
        held = sets.possible(probabilities)[np.arange(len(label)), label]
        share = np.mean([held[person == one].all() for one in range(500)])
        low, high = sets.interval()
        inside += low <= share <= high
        reached.append(share)
    assert np.mean(reached) == pytest.approx(0.8, abs=0.012)
    assert inside / 400 == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(("coverage", "persons"), [(0.5, 1), (0.7, 3), (0.9, 9), (0.95, 19)])
def test_too_few_persons_are_refused_with_how_many_are_needed(
    coverage: float, persons: int
) -> None:
    assert fewest_persons(coverage) == persons
    label, probabilities = np.zeros(persons, dtype=int), np.full((persons, 2), 0.5)
    assert fit_conformal(label, probabilities, np.arange(persons), coverage).persons == persons
    twice = np.repeat(np.arange(persons - 1), 2)  # images do not stand for persons
    with pytest.raises(
        ValueError, match=rf"at least {persons} persons, and there are {len(twice) // 2}"
    ):
        fit_conformal(np.zeros_like(twice), np.full((len(twice), 2), 0.5), twice, coverage)
