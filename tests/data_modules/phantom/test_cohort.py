"""Who the phantom's patients are: the same share of each kind in every split."""

import numpy as np
import pytest

from data_modules.phantom.cohort import chance_labels, patient


def test_default_cohort_is_split_60_15_25_in_each_kind() -> None:
    people = [patient(number) for number in range(160)]
    for kind, size in (("covid", 80), ("healthy", 40), ("central", 40)):
        splits = [person.split for person in people if person.kind == kind]
        counts = [splits.count(split) for split in ("train", "val", "test")]
        assert counts == [0.6 * size, 0.15 * size, 0.25 * size]


@pytest.mark.parametrize("seed", range(3))
def test_null_labels_are_independent_of_the_kind(seed: int) -> None:
    people = [patient(number) for number in range(1000)]
    labels = np.array(chance_labels(people, np.random.default_rng(seed)))
    for kind in ("covid", "healthy", "central"):
        assert abs((labels[[one.kind == kind for one in people]] == "covid").mean() - 0.5) < 0.1
    for split in ("train", "val", "test"):
        drawn = labels[[one.split == split for one in people]]
        assert abs((drawn == "covid").sum() - (drawn == "other").sum()) <= 1
