"""SARS-CoV-2 CT-scan: no patients, two classes."""

from pathlib import Path

import pytest
from drawn_images import draw
from public_miniatures import write_sarscov2_ct

from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.registry import load
from data_modules.sets import sarscov2_ct


def test_classes_and_a_split_without_patients(tmp_path: Path):
    write_sarscov2_ct(tmp_path)
    samples = sarscov2_ct.index(tmp_path)
    assert samples.table["label"].value_counts().to_dict() == {"COVID": 10, "non-COVID": 10}
    assert (samples.classes, samples.positive) == (("non-COVID", "COVID"), "COVID")
    assert not samples.patients_named
    assert samples.table["patient"].is_unique
    assert samples.table["split"].value_counts().to_dict() == {"train": 14, "test": 4, "val": 2}
    other = sarscov2_ct.index(tmp_path, split_seed=1)
    assert not other.table["split"].equals(samples.table["split"])


def test_copies_are_held_together_where_no_patient_is_named(tmp_path: Path):
    root = tmp_path / "sarscov2_ct"
    write_sarscov2_ct(root)
    copies = [f"COVID/Covid ({number}).png" for number in (90, 91, 92)]
    draw(root, *copies, seed=5)
    table = load(DataConfig(name="sarscov2_ct"), tmp_path).table
    alike = table[table["path"].isin(copies)]
    assert (alike["patient"].nunique(), alike["split"].nunique()) == (1, 1)


def test_what_is_not_there_is_named(tmp_path: Path):
    write_sarscov2_ct(tmp_path)
    draw(tmp_path, "more/1.png")
    assert (
        f"folders in {tmp_path.name} that are passed over: more"
        in sarscov2_ct.index(tmp_path).notes
    )
    for file in (tmp_path / "COVID").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"COVID: no images: download https://www.kaggle"):
        sarscov2_ct.index(tmp_path)
    (tmp_path / "COVID").rmdir()
    with pytest.raises(DataError, match=r"no folder .*/COVID: download"):
        sarscov2_ct.index(tmp_path)
