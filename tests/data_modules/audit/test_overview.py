from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from data_modules.audit import overview
from data_modules.audit.near_duplicates import near_duplicates
from data_modules.samples import Samples


def samples_of(root: Path, rows: list[tuple[str, str, str, str]], source: str = "s") -> Samples:
    """Rows of path, label, patient, split."""
    table = pd.DataFrame(rows, columns=["path", "label", "patient", "split"])
    classes = tuple(sorted(set(table["label"]) - {""}))
    return Samples(root, table.assign(study="", source=source), classes=classes)


def scan(seed: int, height: int = 120, width: int = 100) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    image = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(5))
    pixels = np.asarray(image, dtype=float)
    stretched = 255 * (pixels - pixels.min()) / (pixels.max() - pixels.min())
    return Image.fromarray(stretched.astype(np.uint8))


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


def write_scans(root: Path) -> Samples:
    scan(0).save(root / "train 100%.png")
    scan(1).save(root / "train 2.png")
    scan(0).resize((80, 96)).save(root / "smaller.jpg", quality=70)
    (root / "copy.png").write_bytes((root / "train 2.png").read_bytes())
    scan(2).save(root / "other.png")
    Image.new("L", (50, 50), 9).save(root / "flat.png")
    Image.new("L", (60, 50), 99).save(root / "flat 2.png")
    (root / "bad.png").write_text("no image")
    parts = {"train 100%.png": "train", "train 2.png": "train", "flat.png": "train"}
    names = [*parts, "smaller.jpg", "copy.png", "other.png", "flat 2.png", "bad.png"]
    return samples_of(root, [(name, "", name, parts.get(name, "test")) for name in names])


def test_near_duplicates_across_splits(tmp_path: Path):
    found = near_duplicates(write_scans(tmp_path))
    assert found[["path", "other_path", "kind"]].to_numpy().tolist() == [
        ["train 2.png", "copy.png", "exact"],
        ["train 100%.png", "smaller.jpg", "near"],
    ]
    assert set(found["split"]) == {"train"}
    assert found["correlation"].between(0.97, 1).all()


def test_near_duplicates_within_a_split_are_no_leak(tmp_path: Path):
    samples = write_scans(tmp_path)
    table = samples.table.assign(split="train")
    assert near_duplicates(Samples(tmp_path, table)).empty


def test_near_duplicates_remember_files_until_they_change(tmp_path: Path):
    samples, memo = write_scans(tmp_path), tmp_path / "memo"
    first = near_duplicates(samples, memo)
    pd.testing.assert_frame_equal(near_duplicates(samples, memo), first)
    scan(5).save(tmp_path / "copy.png")
    assert near_duplicates(samples, memo)["kind"].tolist() == ["near"]
    for file in memo.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert near_duplicates(samples, memo)["kind"].tolist() == ["near"]


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


@pytest.mark.real_data
def test_real_covid_ct_hides_a_scan_under_both_labels(real_data: Path):
    from data_modules.sets.covid_ct import KNOWN_COPIES, index

    found = near_duplicates(index(real_data / "covid_ct"))
    pairs = {
        Path(a).name: Path(b).name for a, b in zip(found["path"], found["other_path"], strict=True)
    }
    assert pairs == KNOWN_COPIES
