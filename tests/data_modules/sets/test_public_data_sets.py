from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_modules.errors import DataError
from data_modules.sets import (
    chest_xray_pneumonia,
    covid_ct,
    luna16_patches,
    luna16_slices,
    natural_images,
)


def draw(root: Path, *paths: str, seed: int | None = None) -> None:
    """Write a small random image to each path; with `seed` the same one."""
    for path in paths:
        random = np.random.default_rng(crc32(path.encode()) if seed is None else seed)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (12, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(root / path)


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
    assert samples.notes == ("the official splits share no patient",)


def test_covid_ct_moves_a_shared_patient_to_test_and_says_so(tmp_path: Path):
    splits = {"a.png": "train", "b.png": "train", "c.png": "test", "IM1.png": "val"}
    write_covid_ct(tmp_path, splits, {"a.png": "1", "b.png": "2", "c": "1", "IM1.png": "3"})
    samples = covid_ct.index(tmp_path)
    in_test = samples.table.loc[samples.table["split"] == "test", "path"]
    assert sorted(Path(path).name for path in in_test) == ["a.png", "c.png"]
    assert "1 patients were in several splits: 1 of their images moved" in samples.notes[0]


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


def test_luna16_slices_of_a_series_are_one_patient(tmp_path: Path):
    draw(tmp_path, "1.3.6.1.mhd_154.png", "1.3.6.1.mhd_20.png", "1.3.7_9.png", "._1.3.7_9.png")
    samples = luna16_slices.index(tmp_path)
    assert samples.table["patient"].tolist() == ["1.3.6.1", "1.3.6.1", "1.3.7"]
    assert samples.table["study"].equals(samples.table["patient"])
    assert set(samples.targets()) == {-1}
    draw(tmp_path, "slice.png")
    with pytest.raises(DataError, match="rename it"):
        luna16_slices.index(tmp_path)


def test_luna16_patches_keep_blocks_together(tmp_path: Path):
    files = [f"{('nodule', 'non_nodule')[n % 2]}/cand_{n:03}.png" for n in range(60)]
    draw(tmp_path, *files)
    blocks = [f"{n // 4:03}" for n in range(60)]
    index = pd.DataFrame({"file": files, "block5000": blocks})
    index.to_csv(tmp_path / "index.csv", index=False)
    samples = luna16_patches.index(tmp_path)
    assert sorted(samples.table["patient"].unique()) == sorted(set(blocks))
    assert samples.table.groupby("patient")["split"].nunique().max() == 1
    assert samples.positive == "nodule"
    assert not samples.patients_named
    index.iloc[1:].to_csv(tmp_path / "index.csv", index=False)
    with pytest.raises(DataError, match=r"1 patches, for example nodule/cand_000.png"):
        luna16_patches.index(tmp_path)


def test_natural_images_in_imagenet_layout(tmp_path: Path):
    draw(tmp_path, "train/n02/a%.JPEG", "train/n01/images/b c.JPEG", "val/n01/d.JPEG")
    samples = natural_images.index(tmp_path)
    assert samples.classes == ("n01", "n02")
    assert samples.table.set_index("path")["split"].to_dict() == {
        "train/n01/images/b c.JPEG": "train",
        "train/n02/a%.JPEG": "train",
        "val/n01/d.JPEG": "val",
    }
    assert samples.table["patient"].is_unique
    draw(tmp_path, "val/n03/d.JPEG")
    with pytest.raises(DataError, match=r"n03 is no class of .*train"):
        natural_images.index(tmp_path)


@pytest.mark.parametrize(
    "index",
    [chest_xray_pneumonia.index, luna16_slices.index, luna16_patches.index, natural_images.index],
)
def test_a_missing_or_empty_folder_is_named(index, tmp_path: Path):
    with pytest.raises(DataError, match="nowhere") as caught:
        index(tmp_path / "nowhere")
    assert "\n" not in str(caught.value)
    for name in ("train/NORMAL", "val"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(DataError, match=str(tmp_path)):
        index(tmp_path)


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
    assert patients == {"train": 233, "val": 56, "test": 95}
    assert table["patient"].nunique() == 384
    assert not any("no patient in Meta" in note for note in samples.notes)
    assert sum("same scan" in note for note in samples.notes) == 2
    assert all(file.is_file() for file in samples.files())


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


@pytest.mark.real_data
def test_real_luna16(real_data: Path):
    slices = luna16_slices.index(real_data / "luna16_slices").table
    assert slices["patient"].value_counts().tolist() == [2] * 500
    patches = luna16_patches.index(real_data / "luna16_patches").table
    assert patches["label"].value_counts().to_dict() == {"non_nodule": 6755, "nodule": 1351}
    assert patches["patient"].nunique() == 111


@pytest.mark.real_data
def test_real_natural_images(real_data: Path):
    root = real_data / "natural_images"
    samples = natural_images.index(root)
    assert samples.table["split"].value_counts().to_dict() == {"train": 12000, "val": 2000}
    assert len(samples.classes) == 200
