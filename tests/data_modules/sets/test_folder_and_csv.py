from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_modules.errors import DataError
from data_modules.sets import csv_table, folder


def draw(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(root / path)


def splits_of(samples) -> dict[str, str]:
    return dict(zip(samples.table["path"], samples.table["split"], strict=True))


def test_folder_with_splits_and_classes(tmp_path: Path):
    root = tmp_path / "my scans"
    draw(root, "train/ill 1/a%20.png", "train/well/b.jpg", "test/ill 1/deep/c.bmp")
    (root / "train" / "well" / "notes.txt").write_text("no image")
    samples = folder.index(root)
    assert splits_of(samples) == {
        "train/ill 1/a%20.png": "train",
        "train/well/b.jpg": "train",
        "test/ill 1/deep/c.bmp": "test",
    }
    assert samples.classes == ("ill 1", "well")
    labels = samples.table.set_index("path")["label"]
    assert labels["train/well/b.jpg"] == "well"
    assert labels["test/ill 1/deep/c.bmp"] == "ill 1"
    assert set(samples.table["source"]) == {"my scans"}
    assert not samples.patients_named
    assert all(file.is_file() for file in samples.files())


def test_capital_letters_do_not_hide_a_split(tmp_path: Path):
    draw(tmp_path, "Train/ill/a.png", "Train/well/b.png", "TEST/ill/c.png")
    samples = folder.index(tmp_path)
    assert samples.classes == ("ill", "well")
    assert splits_of(samples)["TEST/ill/c.png"] == "test"


def test_folder_of_classes_is_split_by_image(tmp_path: Path):
    draw(tmp_path, *(f"{name}/{n}.png" for name in "ab" for n in range(20)))
    samples = folder.index(tmp_path)
    counts = samples.table.groupby(["label", "split"]).size().to_dict()
    assert counts["a", "train"] == counts["b", "train"] == 14
    assert counts["a", "test"] == counts["b", "test"] == 4
    assert splits_of(folder.index(tmp_path)) == splits_of(samples)
    assert splits_of(folder.index(tmp_path, split_seed=1)) != splits_of(samples)


def test_flat_folders_are_unlabelled(tmp_path: Path):
    draw(tmp_path / "flat", "a b.png", "100%.png")
    draw(tmp_path / "parts", "train/a.png", "val/b.png")
    flat, parts = folder.index(tmp_path / "flat"), folder.index(tmp_path / "parts")
    assert flat.classes == parts.classes == ()
    assert set(splits_of(flat).values()) == {"train"}
    assert splits_of(parts) == {"train/a.png": "train", "val/b.png": "val"}


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["train/a/1.png", "valid/a/2.png"], r"mixes split folders \(train\) with others \(valid"),
        (["a/1.png", "2.png"], r"mixes images with folders \(a\)"),
        ([], "no images"),
    ],
)
def test_folder_refuses_mixed_layouts(tmp_path: Path, paths: list[str], message: str):
    draw(tmp_path, *paths)
    with pytest.raises(DataError, match=message):
        folder.index(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        folder.index(tmp_path / "nowhere")


def write_table(root: Path, text: str, name: str = "samples.csv") -> None:
    draw(root, "a b.png", "100%.png", "deep/c,d.png")
    (root / name).write_text(text, encoding="utf-8")


def test_csv_with_all_columns(tmp_path: Path):
    write_table(
        tmp_path,
        "\ufeffpath,label,patient,split,study,age\n"
        "a b.png,ill,p1,train,s1,40\n"
        "100%.png,NA,p2,test,s2,50\n"
        '"deep/c,d.png",,p1,train,,60\n',
    )
    samples = csv_table.index(tmp_path)
    assert samples.classes == ("NA", "ill")
    assert samples.targets().tolist() == [1, 0, -1]
    assert samples.table["patient"].tolist() == ["p1", "p2", "p1"]
    assert samples.table["study"].tolist() == ["s1", "s2", ""]
    assert samples.patients_named
    assert all(file.is_file() for file in samples.files())


def test_csv_multi_label_and_another_file_name(tmp_path: Path):
    table = "path,label,split\na b.png,oedema|mass,train\n100%.png,|,train\n"
    write_table(tmp_path, table, "own.csv")
    samples = csv_table.index(tmp_path, table="own.csv", multi_label=True)
    assert samples.classes == ("mass", "oedema")
    assert samples.targets().tolist() == [[1, 1], [0, 0]]
    assert not samples.patients_named


def test_csv_cells_mean_what_they_say(tmp_path: Path):
    """Spaces around a cell make no other class, and a path has one form."""
    draw(tmp_path, "0.png", "1.png", "2.png")
    text = "path,label,patient\n ./0.png,ill ,a\n1.png, ill,a\n2.png,well,b \n"
    write_table(tmp_path, text)
    samples = csv_table.index(tmp_path)
    assert samples.classes == ("ill", "well")
    assert list(samples.table["path"]) == ["0.png", "1.png", "2.png"]
    assert set(samples.table["patient"]) == {"a", "b"}
    write_table(tmp_path, text + "0.png,well,b\n")
    with pytest.raises(DataError, match=r"0\.png"):
        csv_table.index(tmp_path)
    write_table(tmp_path, text.replace("patient", "Subject"))
    with pytest.raises(DataError, match="unknown column 'Subject': rename it to 'patient'"):
        csv_table.index(tmp_path)


def test_csv_without_splits_is_dealt_by_patient(tmp_path: Path):
    draw(tmp_path, *(f"{n}.png" for n in range(40)))
    rows = [f"{n}.png,{'ab'[n // 2 % 2]},p{n // 2}" for n in range(40)]
    (tmp_path / "samples.csv").write_text("\n".join(["path,label,patient", *rows]))
    table = csv_table.index(tmp_path).table
    assert table["split"].value_counts().to_dict() == {"train": 28, "test": 8, "val": 4}
    assert table.groupby("patient")["split"].nunique().max() == 1


def test_csv_without_labels_is_train(tmp_path: Path):
    write_table(tmp_path, "path,label\na b.png,\n100%.png,\n")
    samples = csv_table.index(tmp_path, multi_label=True)
    assert splits_of(samples) == {"a b.png": "train", "100%.png": "train"}
    assert samples.targets().tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na b.png,x\n", "no column 'path' in file, label"),
        ("path,label,Patient ID\na b.png,x,1\n", "'Patient ID': rename it to 'patient'"),
        ("path,label\na b.png,x\nnope.png,x\n", "1 of 2 images do not exist, for example 'nope"),
        ("path,label\n/a b.png,x\n", "path '/a b.png' must be relative"),
        ("path,label\n", "no rows"),
        ("path,label\na,b,c,d\ne\n", "samples.csv"),
        ("path,label,split\na b.png,x,dev\n", "split 'dev' is none of train, val, test"),
        (
            "path,label,patient,split\na b.png,x,1,train\n100%.png,x,1,test\n",
            "put all images of a patient into one split",
        ),
    ],
)
def test_csv_mistakes_are_one_line(tmp_path: Path, text: str, message: str):
    write_table(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        csv_table.index(tmp_path)
    assert "\n" not in str(caught.value)


def test_csv_without_its_table(tmp_path: Path):
    with pytest.raises(DataError, match=r"no file .*samples.csv"):
        csv_table.index(tmp_path)
