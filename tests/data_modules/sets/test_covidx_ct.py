"""COVIDx CT: its lists, and whose a slice is."""

from pathlib import Path

import pytest
from drawn_images import splits_of
from public_miniatures import write_covidx_ct

from data_modules.errors import DataError
from data_modules.sets import covidx_ct


def test_lists_give_classes_and_splits_and_names_give_patients(tmp_path: Path):
    write_covidx_ct(tmp_path)
    samples = covidx_ct.index(tmp_path)
    table = samples.table.set_index("path")
    assert table["label"].to_dict() == {
        "2A_images/NCP_96_1328_0032.png": "COVID-19",
        "2A_images/NCP_96_1328_0033.png": "COVID-19",
        "2A_images/CP_5_3509_0130.png": "Pneumonia",
        "2A_images/Normal_1683_1_0044.png": "Normal",
        "2A_images/HUST-Patient1314-0348.png": "COVID-19",
        "2A_images/LIDC-IDRI-0273-1.3.6.1-0093.png": "Normal",
        "2A_images/radiopaedia-1-85506-0-0012.png": "COVID-19",
    }
    assert table["patient"].tolist() == [
        *("NCP_96", "NCP_96", "CP_5", "Normal_1683", "HUST-Patient1314", "LIDC-IDRI-0273"),
        "image radiopaedia-1-85506-0-0012.png",
    ]
    assert list(splits_of(samples).values()) == ["train"] * 3 + ["val"] * 2 + ["test"] * 2
    assert samples.notes[1] == "1 images have no patient in metadata.csv: each is its own group"
    assert samples.positive == "COVID-19"


def test_an_id_within_a_name_is_found(tmp_path: Path):
    write_covidx_ct(tmp_path)
    with (tmp_path / "metadata.csv").open("a") as file:
        file.write("85506,x\n")
    samples = covidx_ct.index(tmp_path)
    assert samples.table["patient"].iloc[-1] == "85506"
    assert len(samples.notes) == 1


def test_another_version_has_names_of_its_own(tmp_path: Path):
    write_covidx_ct(tmp_path, "3A")
    assert len(covidx_ct.index(tmp_path, version="3A")) == 7
    with pytest.raises(DataError, match=r"no file .*train_COVIDx_CT-2A.txt.*options.version"):
        covidx_ct.index(tmp_path)


def test_what_is_wrong_is_named(tmp_path: Path):
    write_covidx_ct(tmp_path)
    (tmp_path / "2A_images" / "CP_5_3509_0130.png").unlink()
    with pytest.raises(DataError, match=r"1 of 7 images .*2A_images/CP_5_3509_0130.png: download"):
        covidx_ct.index(tmp_path)
    with (tmp_path / "val_COVIDx_CT-2A.txt").open("a") as file:
        file.write("a.png 3 0 0 1 1\n")
    with pytest.raises(DataError, match=r"val_COVIDx_CT-2A.txt line 3: 'a.png 3 0 0 1 1' is not"):
        covidx_ct.index(tmp_path)
    (tmp_path / "metadata.csv").write_text("id\n1\n")
    with pytest.raises(DataError, match=r"cannot read .*metadata.csv .*patient id"):
        covidx_ct.index(tmp_path)
