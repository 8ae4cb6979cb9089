"""MosMedData's slices: a study is a person."""

from pathlib import Path

import pytest
from public_miniatures import write_mosmed_slices

from data_modules.errors import DataError
from data_modules.sets import mosmed_slices


def test_degrees_and_persons(tmp_path: Path):
    write_mosmed_slices(tmp_path)
    samples = mosmed_slices.index(tmp_path)
    counts = samples.table["label"].value_counts().to_dict()
    assert counts == {"CT-0": 10, "CT-1": 20, "CT-2": 5, "CT-3": 3, "CT-4": 1}
    assert samples.classes == ("CT-0", "CT-1", "CT-2", "CT-3", "CT-4")
    assert samples.patients_named
    assert samples.table["patient"].is_unique
    assert samples.table["study"].equals(samples.table["patient"])
    assert set(samples.table["split"]) == {"train", "val", "test"}


def test_without_images(tmp_path: Path):
    (tmp_path / "CT-0").mkdir()
    with pytest.raises(DataError, match="no images in CT-0, CT-1"):
        mosmed_slices.index(tmp_path)


@pytest.mark.real_data
def test_real_mosmed_slices(real_data: Path):
    table = mosmed_slices.index(real_data / "mosmed_slices").table
    counts = table["label"].value_counts().to_dict()
    assert counts == {"CT-0": 254, "CT-1": 684, "CT-2": 125, "CT-3": 45, "CT-4": 2}
    assert table["patient"].nunique() == 1110
    assert table.groupby("split")["label"].nunique()["test"] >= 4
