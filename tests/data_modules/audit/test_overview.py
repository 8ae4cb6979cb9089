from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_modules.audit import overview
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples


def samples_of(root: Path, rows: list[tuple[str, str, str, str]], source: str = "s") -> Samples:
    """Rows of path, label, patient, split."""
    table = pd.DataFrame(rows, columns=["path", "label", "patient", "split"])
    classes = tuple(sorted(set(table["label"]) - {""}))
    return Samples(root, table.assign(study="", source=source), classes=classes)


def test_counts_by_split_and_class(tmp_path: Path):
    samples = samples_of(
        tmp_path,
        [
            ("a", "ill", "1", "train"),
            ("b", "ill", "1", "train"),
            ("c", "well", "2", "train"),
            ("d", "well", "3", "test"),
            ("e", "", "4", "test"),
        ],
    )
    table = overview.counts(samples)
    assert table.columns.tolist() == ["images", "patients", "ill", "well", "unlabelled"]
    assert table.loc["train"].tolist() == [3, 2, 2, 1, 0]
    assert table.loc["test"].tolist() == [2, 2, 0, 1, 1]
    assert table.loc["all"].tolist() == [5, 4, 2, 2, 1]
    assert "val" not in table.index


def test_counts_of_multi_labels_count_each_class(tmp_path: Path):
    table = samples_of(tmp_path, [("a", "", "1", "train"), ("b", "", "2", "train")]).table
    table["label"] = ["A|B", "|"]
    counted = overview.counts(Samples(tmp_path, table, classes=("A", "B"), multi_label=True))
    assert counted.loc["all"].to_dict() == {"images": 2, "patients": 2, "A": 1, "B": 1}


def test_image_sizes_from_headers(tmp_path: Path):
    for name, size in {"a %.png": (10, 20), "b.png": (30, 20), "c.png": (40, 80)}.items():
        Image.new("RGB" if name == "b.png" else "L", size).save(tmp_path / name)
    (tmp_path / "bad.png").write_text("no image")
    names = ["a %.png", "b.png", "c.png", "bad.png", "absent.png"]
    sizes = overview.image_sizes(samples_of(tmp_path, [(n, "", n, "train") for n in names])).loc[
        "s"
    ]
    assert sizes["images"] == 5
    assert sizes["unreadable"] == 2
    assert [sizes[f"width_{name}"] for name in ("min", "median", "max")] == [10, 30, 40]
    assert [sizes[f"height_{name}"] for name in ("min", "median", "max")] == [20, 20, 80]
    assert sizes["modes"] == "L 2, RGB 1"


def test_shared_patients_are_named_with_their_source(tmp_path: Path):
    first = samples_of(tmp_path, [("a", "", "1", "train"), ("b", "", "2", "train")])
    second = samples_of(tmp_path, [("x", "", "2", "test"), ("y", "", "2", "test")])
    assert overview.shared_patients(first, second) == [("s", "2")]
    elsewhere = samples_of(tmp_path, [("x", "", "2", "test")], source="t")
    assert overview.shared_patients(first, elsewhere) == []


def test_shared_patients_are_found_in_whatever_form_they_are_written(tmp_path: Path):
    first = samples_of(tmp_path, [("a", "", "P001", "train"), ("b", "", "P010", "train")])
    second = samples_of(tmp_path, [("c", "", "p-1", "test"), ("d", "", "p2", "test")])
    assert overview.shared_patients(first, second) == [("s", "P001")]
    unnamed = replace(first, patients_named=False)
    assert overview.shared_patients(unnamed, second) == []


@pytest.mark.parametrize("channels", [1, 3])
def test_contact_sheet_shows_images_and_odd_captions(tmp_path: Path, channels: int):
    images = np.zeros((5, channels, 30, 60), dtype=np.uint8)
    images[4] = 200
    captions = ["100%_$x$ <b>", "CT 肺 \n{}", "", "long " * 30, "é"]
    path = tmp_path / "sheet $1%.png"
    overview.contact_sheet(images, captions, path, columns=3, tile=64)
    sheet = np.asarray(Image.open(path))
    assert sheet.shape == (2 * (64 + 16), 3 * 64, 3)
    assert (sheet[20, 20] == 0).all()
    assert (sheet[80 + 20, 64 + 20] == 200).all()
    with pytest.raises(ValueError, match="5 images and 1 captions"):
        overview.contact_sheet(images, ["one"], path)


def test_same_images_are_found_by_their_bytes(tmp_path: Path):
    for name, content in {"a": b"1", "b": b"2", "c": b"2", "d": b"3"}.items():
        (tmp_path / name).write_bytes(content)
    seen = samples_of(tmp_path, [("a", "", "1", "train"), ("b", "", "2", "train")])
    others = samples_of(tmp_path, [("d", "", "3", "test"), ("c", "", "4", "test")])
    assert overview.same_images(seen, others, tmp_path / "memo") == ["c"]
    hashes = FileHashes(tmp_path / "memo")
    assert overview.same_images(others, seen, hashes) == ["b"]
    (tmp_path / "c").unlink()
    assert overview.same_images(seen, others, hashes) == ["c"], "one look at each file"
    with pytest.raises(DataError, match="1 files cannot be read"):
        overview.same_images(seen, others, tmp_path / "memo")
