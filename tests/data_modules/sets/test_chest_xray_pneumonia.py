"""Chest X-rays: split by patient, copies held together."""

from pathlib import Path

import pytest
from drawn_images import draw

from data_modules.digest import table_digest
from data_modules.errors import DataError
from data_modules.sets import chest_xray_pneumonia


def write_chest_xray(root: Path) -> None:
    persons = [f"person{n}_{'virus' if n % 2 else 'bacteria'}_{n}.jpeg" for n in range(30)]
    draw(root, *(f"train/PNEUMONIA/{name}" for name in persons))
    draw(root, *(f"train/NORMAL/IM-{n:04}-0001.jpeg" for n in range(20)))
    draw(root, *(f"test/NORMAL/NORMAL2-IM-{n:04}-0001-0002.jpeg" for n in range(20)))
    draw(root, *(f"test/PNEUMONIA/person{n}_virus_{n + 500}.jpeg" for n in range(6)))


def test_chest_xray_deals_patients_of_both_parts_anew(tmp_path: Path):
    write_chest_xray(tmp_path)
    samples = chest_xray_pneumonia.index(tmp_path)
    assert samples.table["patient"].nunique() == 70
    assert set(samples.table["split"]) == {"train", "val", "test"}
    assert samples.table.groupby("patient")["split"].nunique().max() == 1
    assert samples.notes[0].startswith("6 patient numbers occur in several")
    assert samples.classes == ("NORMAL", "PNEUMONIA")
    other = chest_xray_pneumonia.index(tmp_path, split_seed=1)
    assert not other.table["split"].equals(samples.table["split"])


def test_chest_xray_leaves_no_folder_out_unsaid(tmp_path: Path):
    write_chest_xray(tmp_path)
    draw(tmp_path, "train/COVID/person900_virus_1.jpeg", "more/a.jpeg")
    notes = chest_xray_pneumonia.index(tmp_path).notes
    assert f"folders in {tmp_path.name} that are passed over: more" in notes
    assert "folders in train that are passed over: COVID" in notes
    (tmp_path / "test" / "PNEUMONIA").rename(tmp_path / "test" / "Pneumonia")
    with pytest.raises(DataError, match="test/Pneumonia: rename it to 'PNEUMONIA'"):
        chest_xray_pneumonia.index(tmp_path)


def test_chest_xray_counts_identical_files_as_one_patient(tmp_path: Path):
    write_chest_xray(tmp_path)
    copies = [f"{part}/NORMAL/IM-9{n}-1.jpeg" for part in ("train", "test") for n in (1, 2, 3)]
    draw(tmp_path, *copies, seed=99)
    table = chest_xray_pneumonia.index(tmp_path).table
    alike = table[table["path"].isin(copies)]
    assert alike["patient"].unique().tolist() == ["IM-91"]
    assert len(table["patient"].unique()) == 71


def test_chest_xray_three_classes_keep_the_split(tmp_path: Path):
    write_chest_xray(tmp_path)
    two, three = (chest_xray_pneumonia.index(tmp_path, three_class=flag) for flag in (False, True))
    assert three.classes == ("NORMAL", "BACTERIA", "VIRUS")
    assert three.table["label"].value_counts().to_dict() == {
        "NORMAL": 40,
        "VIRUS": 21,
        "BACTERIA": 15,
    }
    assert three.table["split"].equals(two.table["split"])


def test_chest_xray_refuses_a_name_without_patient(tmp_path: Path):
    draw(tmp_path, "train/NORMAL/scan 1.jpeg")
    with pytest.raises(DataError, match=r"scan 1.jpeg: the name holds no patient"):
        chest_xray_pneumonia.index(tmp_path)


@pytest.mark.real_data
def test_real_chest_xray(real_data: Path):
    samples = chest_xray_pneumonia.index(real_data / "chest_xray_pneumonia", three_class=True)
    table = samples.table
    labels = table["label"].value_counts().to_dict()
    assert labels == {"BACTERIA": 2780, "NORMAL": 1583, "VIRUS": 1493}
    assert table["patient"].nunique() == 3117
    assert samples.notes[0].startswith("170 patient numbers")
    assert samples.notes[1].startswith("30 groups of identical files")
    share = table["split"].value_counts(normalize=True).to_dict()
    assert share == pytest.approx({"train": 0.7, "test": 0.2, "val": 0.1}, abs=0.01)
    two = chest_xray_pneumonia.index(real_data / "chest_xray_pneumonia")
    assert table_digest(two) == "22c390e1799d90f2ea2335f964a32910", "trains again"
