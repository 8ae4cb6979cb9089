"""COVID-CT: its patients, its official split, and what is missing in it."""

from pathlib import Path

import pandas as pd
import pytest
from drawn_images import draw

from data_modules.digest import table_digest
from data_modules.errors import DataError
from data_modules.sets import covid_ct
from data_modules.splits import kfold, split_leaks


def write_covid_ct(root: Path, splits: dict[str, str], patients: dict[str, str]) -> None:
    """A COVID-CT tree: file name -> split, file name as in Meta -> patient. IM* are NonCOVID."""
    for name in covid_ct.CLASSES:
        own = {file: split for file, split in splits.items() if _class(file) == name}
        draw(root, *(f"Images-processed/CT_{name}/{file}" for file in own))
        for split in ("train", "val", "test"):
            path = root / "Data-split" / name / f"{split}CT_{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{file}\n" for file in own if own[file] == split))
        file, image, patient = covid_ct.TABLES[name]
        rows = [(key, person) for key, person in patients.items() if _class(key) == name]
        table = pd.DataFrame([*rows, (None, None)], columns=[image, patient])
        (root / "Meta").mkdir(exist_ok=True)
        if file.endswith("xlsx"):
            table.to_excel(root / "Meta" / file, index=False)
        else:
            table.to_csv(root / "Meta" / file)


def _class(file: str) -> str:
    return "NonCOVID" if file.startswith("IM") else "COVID"


def test_covid_ct_joins_patients_on_the_stem(tmp_path: Path):
    splits = {"2020.01.24.9%0.png": "train", "a b 3%1.jpg": "test", "IM 1%.png": "val"}
    patients = {"2020.01.24.9%0.png": "P 1", "a b 3%1": "P 2", "IM 1%.png": "P 3"}
    write_covid_ct(tmp_path, splits, patients)
    samples = covid_ct.index(tmp_path)
    assert dict(zip(samples.table["patient"], samples.table["split"], strict=True)) == {
        "P 1": "train",
        "P 2": "test",
        "P 3": "val",
    }
    assert samples.positive == "COVID"
    assert samples.targets().sum() == 2
    assert all(file.is_file() for file in samples.files())
    assert samples.notes == ()


def test_covid_ct_joins_names_that_are_one_person_and_keeps_its_split(tmp_path: Path):
    splits = {"a.png": "train", "b.png": "train", "c.png": "test", "IM1.png": "val"}
    names = {"a.png": "Patient 124", "b.png": "Patient 154", "c": "Patient 168"}
    write_covid_ct(tmp_path, splits, {**names, "IM1.png": "medpix_patient_47"})
    samples = covid_ct.index(tmp_path)
    persons = dict(zip(samples.table["path"].map(_name), samples.table["patient"], strict=True))
    assert persons["a.png"] == persons["c.png"] == "Patient 124"
    assert persons["b.png"] == "Patient 154"
    assert persons["IM1.png"] == "medpix_patient_47"
    assert samples.notes == ("2 names in Meta are of 1 persons and count as these",)
    assert (
        dict(zip(samples.table["path"].map(_name), samples.table["split"], strict=True)) == splits
    )
    assert split_leaks(samples).index.tolist() == [("covid_ct", "Patient 124")]


def _name(path: str) -> str:
    return Path(path).name


def test_every_name_is_of_one_person_of_covid_ct():
    names = [name for group in covid_ct.ONE_PERSON for name in group]
    assert len(set(names)) == len(names)


def test_covid_ct_counts_what_it_does_not_know(tmp_path: Path):
    write_covid_ct(tmp_path, {"a.png": "train", "IM1.png": "test"}, {"a.png": "1"})
    draw(tmp_path, "Images-processed/CT_COVID/unlisted.png")
    notes = " ".join(covid_ct.index(tmp_path).notes)
    assert "1 COVID images are in no list of Data-split" in notes
    assert "1 NonCOVID images have no patient in Meta" in notes


def test_covid_ct_names_what_is_missing(tmp_path: Path):
    with pytest.raises(DataError, match=r"no folder .*nowhere: clone https"):
        covid_ct.index(tmp_path / "nowhere")
    write_covid_ct(tmp_path, {"a.png": "train", "IM1.png": "test"}, {"a.png": "1"})
    table = tmp_path / "Meta" / "COVID-CT-MetaInfo.xlsx"
    table.write_text("<html>not found</html>")
    with pytest.raises(DataError, match=r"cannot read the patients of .*MetaInfo.xlsx") as caught:
        covid_ct.index(tmp_path)
    assert "\n" not in str(caught.value)
    (tmp_path / "Images-processed/CT_COVID/a.png").unlink()
    with pytest.raises(DataError, match=r"1 images of Data-split are missing, for example a.png"):
        covid_ct.index(tmp_path)


@pytest.mark.real_data
def test_real_covid_ct(real_data: Path):
    samples = covid_ct.index(real_data / "covid_ct")
    table = samples.table
    images = table.groupby(["split", "label"]).size().to_dict()
    assert images == {
        ("train", "COVID"): 191,
        ("train", "NonCOVID"): 234,
        ("val", "COVID"): 60,
        ("val", "NonCOVID"): 58,
        ("test", "COVID"): 98,
        ("test", "NonCOVID"): 105,
    }
    patients = table.groupby("split")["patient"].nunique().to_dict()
    assert patients == {"train": 228, "val": 47, "test": 93}
    assert table["patient"].nunique() == 358
    assert "38 names in Meta are of 12 persons and count as these" in samples.notes
    leaks = split_leaks(samples)
    assert len(leaks) == 10
    assert leaks["test"].tolist().count(0) == 1
    assert leaks["test"].sum() == 10
    for fold in range(5):
        assert split_leaks(kfold(samples, 5, fold)).empty
    assert not any("no patient in Meta" in note for note in samples.notes)
    assert sum("same scan" in note for note in samples.notes) == 2
    assert table_digest(samples) == "f2c6bda92fd6901155786fc36a4c5963", "trains again"
    assert all(file.is_file() for file in samples.files())
