"""LUNA16 slices: a series is a patient."""

from pathlib import Path

import pytest
from drawn_images import draw

from data_modules.digest import table_digest
from data_modules.errors import DataError
from data_modules.sets import luna16_slices


def test_luna16_slices_of_a_series_are_one_patient(tmp_path: Path):
    draw(tmp_path, "1.3.6.1.mhd_154.png", "1.3.6.1.mhd_20.png", "1.3.7_9.png", "._1.3.7_9.png")
    samples = luna16_slices.index(tmp_path)
    assert samples.table["patient"].tolist() == ["1.3.6.1", "1.3.6.1", "1.3.7"]
    assert samples.table["study"].equals(samples.table["patient"])
    assert set(samples.targets()) == {-1}
    draw(tmp_path, "slice.png")
    with pytest.raises(DataError, match="rename it"):
        luna16_slices.index(tmp_path)


@pytest.mark.real_data
def test_real_luna16_slices(real_data: Path):
    samples = luna16_slices.index(real_data / "luna16_slices")
    assert samples.table["patient"].value_counts().tolist() == [2] * 500
    assert table_digest(samples) == "d70124f7c6e08c99f74c1f9d9af6c1b2", "trains again"
