"""Copies of one image in two splits are found, however they were saved."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from data_modules.audit import near_duplicates as module
from data_modules.audit.near_duplicates import near_duplicates
from data_modules.samples import Samples
from data_modules.sets.covid_ct import KNOWN_COPIES, index


def scan(seed: int, height: int = 120, width: int = 100) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    image = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(5))
    pixels = np.asarray(image, dtype=float)
    stretched = 255 * (pixels - pixels.min()) / (pixels.max() - pixels.min())
    return Image.fromarray(stretched.astype(np.uint8))


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
    table = pd.DataFrame({"path": names, "label": "", "patient": names, "study": "", "source": "s"})
    return Samples(root, table.assign(split=[parts.get(name, "test") for name in names]))


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
    for file in [path for path in memo.rglob("*") if path.is_file()]:
        file.write_bytes(file.read_bytes()[:100])
    assert near_duplicates(samples, memo)["kind"].tolist() == ["near"]


def test_images_seen_before_are_not_decoded_again_and_known_pairs_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    samples, memo = write_scans(tmp_path), tmp_path / "memo"
    first = near_duplicates(samples, memo)
    copy = Samples(shutil.copytree(tmp_path, tmp_path.parent / "elsewhere"), samples.table)
    monkeypatch.setattr(module, "_signature", None)
    other = samples.table.assign(split=["val", *samples.table["split"][1:]])
    assert set(near_duplicates(replace(copy, table=other), memo)["split"]) == {"val", "train"}
    monkeypatch.setattr(module, "_find", None)
    pd.testing.assert_frame_equal(near_duplicates(copy, memo), first)


@pytest.mark.real_data
def test_real_covid_ct_hides_a_scan_under_both_labels(real_data: Path):
    found = near_duplicates(index(real_data / "covid_ct"))
    pairs = {
        Path(a).name: Path(b).name for a, b in zip(found["path"], found["other_path"], strict=True)
    }
    assert pairs == KNOWN_COPIES
