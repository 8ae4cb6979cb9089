"""NIH ChestX-ray14: several findings per image, the official test list."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
import torchxrayvision
from drawn_images import draw
from public_miniatures import write_lines, write_nih_chest_xray14

from data_modules.errors import DataError
from data_modules.sets import nih_chest_xray14


@pytest.mark.parametrize("folder", ["images", "images_001/images"])
def test_findings_patients_and_the_test_list(tmp_path: Path, folder: str):
    write_nih_chest_xray14(tmp_path, folder)
    samples = nih_chest_xray14.index(tmp_path)
    table = samples.table
    assert samples.multi_label
    assert table["label"].tolist() == ["|", "Hernia", "Mass|Nodule", "Effusion"] * 5
    assert samples.targets().sum(axis=0).sum() == 20
    assert table["path"].iloc[0] == f"{folder}/00000001_000.png"
    assert table["patient"].nunique() == 10
    tested = table[table["split"] == "test"]
    assert sorted(tested["patient"].unique()) == ["10", "8", "9"]
    assert table.groupby("patient")["split"].nunique().max() == 1
    assert set(table["split"]) == {"train", "val", "test"}


def test_what_is_wrong_is_named(tmp_path: Path):
    write_nih_chest_xray14(tmp_path)
    (tmp_path / "images" / "00000002_000.png").unlink()
    with pytest.raises(DataError, match=r"1 of 20 images .*images/00000002_000.png: download"):
        nih_chest_xray14.index(tmp_path)
    draw(tmp_path, "images_002/00000003_000.png")
    with pytest.raises(DataError, match=r"00000003_000.png is there twice"):
        nih_chest_xray14.index(tmp_path)
    (tmp_path / "images_002" / "00000003_000.png").unlink()
    write_lines(tmp_path / "test_list.txt", [])
    with pytest.raises(
        DataError, match=r"6 images are in none of train_val_list.txt and test_list"
    ):
        nih_chest_xray14.index(tmp_path)
    write_lines(
        tmp_path / "Data_Entry_2017.csv",
        ["Image Index,Finding Labels,Patient ID", "00000001_000.png,Covid,1"],
    )
    with pytest.raises(DataError, match="'Covid' is none of the 14 findings"):
        nih_chest_xray14.index(tmp_path)


def test_the_real_table_has_the_published_counts(tmp_path: Path):
    """The publisher's table, as TorchXRayVision carries it; lists of our own, no images."""
    packed = Path(torchxrayvision.__file__).parent / "data" / "Data_Entry_2017_v2020.csv.gz"
    (tmp_path / "Data_Entry_2017_v2020.csv").write_bytes(gzip.decompress(packed.read_bytes()))
    names = pd.read_csv(packed, usecols=["Image Index"])["Image Index"].tolist()
    write_lines(tmp_path / "train_val_list.txt", names[:86524])
    write_lines(tmp_path / "test_list.txt", names[86524:])
    table = nih_chest_xray14.listed(tmp_path)
    assert (len(table), table["patient"].nunique()) == (112120, 30805)
    labels = table["label"].str.split("|").explode()
    assert labels[labels != ""].value_counts().to_dict() == nih_chest_xray14.IMAGES
    assert (table["label"] == "|").sum() == 60361
