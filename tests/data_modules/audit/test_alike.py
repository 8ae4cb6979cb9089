"""Images that are nearly alike are held together, where no patient is named."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from drawn_images import draw, splits_of
from PIL import Image

from data_modules.audit import alike
from data_modules.audit import near_duplicates as near_duplicates_module
from data_modules.audit.alike import refuse_shared
from data_modules.audit.near_duplicates import near_duplicates
from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.registry import load
from data_modules.samples import Samples


def draw_classes(root: Path, images: int = 20) -> None:
    draw(root, *(f"{name}/{number}.png" for name in "ab" for number in range(images)))


def brighter(path: Path, copy: Path) -> None:
    """A copy that no file's hash knows."""
    pixels = np.asarray(Image.open(path)).astype(int)
    copy.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((pixels // 2 + 9).astype(np.uint8)).save(copy)


def loaded(root: Path, **settings: object) -> Samples:
    return load(DataConfig(name="folder", root=str(root), **settings), root.parent)  # type: ignore[arg-type]


def test_a_set_without_likenesses_stays_as_it_is(tmp_path: Path):
    draw_classes(tmp_path)
    samples = loaded(tmp_path)
    assert samples.table["patient"].tolist() == samples.table["path"].tolist()
    assert len(samples.notes) == 2


def test_alike_images_are_dealt_into_one_split_also_through_a_third(tmp_path: Path):
    draw_classes(tmp_path)
    for number in range(0, 20, 2):
        brighter(tmp_path / "a" / f"{number}.png", tmp_path / "a" / f"{number}b.png")
        shutil.copy(tmp_path / "a" / f"{number}b.png", tmp_path / "a" / f"{number}c.png")
    samples = loaded(tmp_path)
    split = splits_of(samples)
    for number in range(0, 20, 2):
        assert len({split[f"a/{number}{end}.png"] for end in ("", "b", "c")}) == 1
    groups = samples.table.groupby("patient").size()
    assert sorted(groups[groups > 1]) == [3] * 10
    assert set(split.values()) == {"train", "val", "test"}
    assert samples.notes[-1].startswith("30 images are in 10 groups of nearly identical ones")
    folds = loaded(tmp_path, split="kfold", folds=4, fold=1)
    assert folds.table.groupby("patient")["split"].nunique().max() == 1


def test_alike_images_of_given_splits_move_to_the_held_out_side(tmp_path: Path):
    draw(
        tmp_path,
        *(f"{part}/{name}/{n}.png" for part in ("train", "test") for name in "ab" for n in "1234"),
    )
    brighter(tmp_path / "test" / "a" / "1.png", tmp_path / "train" / "a" / "copy.png")
    samples = loaded(tmp_path)
    assert splits_of(samples)["train/a/copy.png"] == "test"
    assert "WARNING: 1 images moved to the split" in samples.notes[-1]


@pytest.mark.parametrize("kind", ["bytes", "pixels"])
def test_identical_images_of_given_splits_are_refused(tmp_path: Path, kind: str):
    draw(
        tmp_path,
        *(f"{part}/{name}/{n}.png" for part in ("train", "test") for name in "ab" for n in "1234"),
    )
    original = tmp_path / "test" / "a" / "1.png"
    if kind == "bytes":
        shutil.copy(original, tmp_path / "train" / "a" / "copy.png")
    else:
        Image.open(original).save(tmp_path / "train" / "a" / "copy.bmp")
    samples = loaded(tmp_path)
    assert (
        splits_of(samples)["train/a/copy.png" if kind == "bytes" else "train/a/copy.bmp"] == "train"
    )
    with pytest.raises(DataError, match=r"1 pairs of identical images are in two splits, such as"):
        refuse_shared(samples, near_duplicates(samples))
    assert len(load(DataConfig(name="folder", root=str(tmp_path)), tmp_path, unsplit=True)) == 17
    assert len(loaded(tmp_path, split="kfold", folds=2)) == 17


def test_images_that_are_all_alike_are_refused(tmp_path: Path):
    draw_classes(tmp_path, 4)
    for number in range(9):
        brighter(tmp_path / "a" / "1.png", tmp_path / "b" / f"{number}c.png")
    with pytest.raises(DataError, match="10 of 17 images are so alike that likeness cannot tell"):
        loaded(tmp_path)


def test_alike_images_of_different_labels_are_counted(tmp_path: Path):
    draw_classes(tmp_path)
    brighter(tmp_path / "a" / "1.png", tmp_path / "b" / "copy.png")
    brighter(tmp_path / "a" / "2.png", tmp_path / "a" / "copy.png")
    expected = "4 images are in 2 groups of nearly identical ones (different labels in 1 of these"
    assert loaded(tmp_path).notes[-1].startswith(expected)


def test_many_copies_of_one_image_are_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in (alike, near_duplicates_module):
        monkeypatch.setattr(module, "MOST_PAIRS", 100)
    draw_classes(tmp_path)
    for number in range(20):
        Image.new("L", (32, 32)).save(tmp_path / "a" / f"blank{number}.png")
    samples = loaded(tmp_path)
    assert samples.notes[-1].startswith("20 images are in 1 group of nearly identical ones: each")
    assert len({split for path, split in splits_of(samples).items() if "blank" in path}) == 1
