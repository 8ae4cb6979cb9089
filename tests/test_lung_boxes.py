"""The box of a lung field: where it lies, and which copies are found within it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_modules.audit.near_duplicates import near_duplicates
from data_modules.sets.covid_ct import KNOWN_COPIES, index
from matl.lung_boxes import LUNG_BOXES, lung_box


def chest() -> np.ndarray:
    """A body with two lungs, uint8 [200, 300]."""
    rows, columns = np.mgrid[:200, :300]

    def oval(x: int, y: int, width: int, height: int) -> np.ndarray:
        return ((columns - x) / width) ** 2 + ((rows - y) / height) ** 2 <= 0.25

    grey = np.full((200, 300), 5)
    grey[oval(150, 100, 280, 170)] = 190
    grey[oval(90, 100, 70, 110) | oval(210, 100, 70, 110)] = 50
    noise = np.random.default_rng(0).normal(0, 4, grey.shape)
    return np.clip(grey + noise, 0, 255).astype(np.uint8)


def test_the_box_is_that_of_both_lungs() -> None:
    expected = 55 / 300, 45 / 200, 245 / 300, 155 / 200
    assert lung_box(chest()) == pytest.approx(expected, abs=0.02)


def test_an_image_without_a_field_has_no_box() -> None:
    assert lung_box(np.full((64, 64), 90, dtype=np.uint8)) is None


@pytest.mark.slow
@pytest.mark.real_data
def test_the_copies_of_covid_ct_are_found_and_no_two_persons(
    real_data: Path, tmp_path: Path
) -> None:
    samples = index(real_data / "covid_ct")
    person = dict(zip(samples.table["path"], samples.table["patient"], strict=True))
    found = near_duplicates(replace(samples, alone=True), tmp_path, LUNG_BOXES)
    assert (found["path"].map(person) == found["other_path"].map(person)).all()
    across = found[found["split"] != found["other_split"]]
    pairs = dict(zip(across["path"].map(_name), across["other_path"].map(_name), strict=True))
    printed_twice = [name for name in pairs if "20040782-p24-1533" in name]
    assert pairs.items() >= KNOWN_COPIES.items()
    assert len(printed_twice) >= 4


def _name(path: str) -> str:
    return Path(path).name
