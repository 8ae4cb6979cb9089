"""Recall and precision on copies that are planted in public sets."""

from pathlib import Path

import pytest

from benchmarks.planted_copies import SETS, recall_and_precision, some_persons
from data_modules.catalogue import find_index


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", SETS)
def test_planted_copies_are_found(name: str, real_data: Path, tmp_path: Path) -> None:
    images = some_persons(find_index(name)(real_data / name))
    found = recall_and_precision(images, tmp_path)
    assert found["recall"] >= 0.95
    assert found["precision"] >= 0.95
