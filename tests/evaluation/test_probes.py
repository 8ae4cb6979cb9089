"""Probes read what features say of classes, on persons that they were not fitted to."""

import numpy as np
import pytest

from matl.evaluation.probes import probe


def data(persons: int, apart: float, classes: int = 2) -> tuple[np.ndarray, ...]:
    """Four images of each person; classes lie `apart` standard deviations from each other."""
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(persons), 4)
    label = person % classes
    features = random.standard_normal((len(person), 6)) + 1
    features[np.arange(len(person)), label] += apart
    return features, label, person


@pytest.mark.parametrize("classes", [2, 3])
def test_separated_classes_are_read_and_others_are_not(classes: int) -> None:
    assert probe(*data(24, apart=12, classes=classes)) == pytest.approx(
        {"knn": 1, "linear": 1}, abs=0.01
    )
    chance = 0.5 if classes == 2 else 1 / 3
    assert probe(*data(48, apart=0, classes=classes)) == pytest.approx(
        {"knn": chance, "linear": chance}, abs=0.15
    )


def test_a_person_who_is_recognised_says_nothing_of_the_class() -> None:
    """Features that name the person alone would be read wholly where persons were divided."""
    person = np.repeat(np.arange(40), 5)
    label = np.random.default_rng(1).permutation(np.arange(40) % 2)[person]
    features = np.eye(40)[person] + 0.01 * np.random.default_rng(2).standard_normal((200, 40))
    found = probe(features, label, person)
    assert max(found.values()) < 0.7


def test_too_few_persons_are_not_probed() -> None:
    features, label, person = data(2, apart=5)
    assert probe(features, label, person) == {}
    assert probe(features, np.zeros_like(label), person) == {}
    assert probe(features[:0], label[:0], person[:0]) == {}
    assert set(probe(*data(4, apart=5))) == {"knn", "linear"}


def test_probes_are_the_same_whatever_was_drawn_before() -> None:
    first = probe(*data(12, apart=1))
    np.random.random(3)  # noqa: NPY002 - sklearn could draw from this state
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert probe(*data(12, apart=1)) == first
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
