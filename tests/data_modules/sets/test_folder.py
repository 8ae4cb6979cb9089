"""Folders of images: their layouts, splits and mistakes."""

import shutil
from pathlib import Path

import pytest
from drawn_images import draw, splits_of

from data_modules.errors import DataError
from data_modules.sets import folder
from data_modules.splits import kfold


def test_folder_with_splits_and_classes(tmp_path: Path):
    root = tmp_path / "my scans"
    draw(root, "train/ill 1/a%20.png", "train/well/b.jpg", "test/ill 1/c.bmp")
    (root / "train" / "well" / "notes.txt").write_text("no image")
    samples = folder.index(root)
    assert splits_of(samples) == {
        "train/ill 1/a%20.png": "train",
        "train/well/b.jpg": "train",
        "test/ill 1/c.bmp": "test",
    }
    assert samples.classes == ("ill 1", "well")
    labels = samples.table.set_index("path")["label"]
    assert labels["train/well/b.jpg"] == "well"
    assert labels["test/ill 1/c.bmp"] == "ill 1"
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
        (["train/a/1.png", "rest/a/2.png"], r"mixes split folders \(train\) with others \(rest"),
        (
            ["train/a/1.png", "validation/a/2.png"],
            r"validation looks like a split: rename it to 'val'",
        ),
        (
            ["training/a/1.png", "testing/a/2.png"],
            r"looks like a split: rename it to '(test|train)'",
        ),
        (["Training Set/a/1.png", "x/a/2.png"], "Training Set looks like a split: rename it to"),
        (["test_images/a/1.png", "y/a/2.png"], "looks like a split: rename it to 'test'"),
        (["tr/a/1.png", "te/a/2.png"], "looks like a split: rename it to 't(rain|est)'"),
        (["a/train/1.png", "a/test/2.png"], r"a split is within a class"),
        (["train/a/1.png", "Train/b/2.png"], "are one split; join them"),
        (
            ["a/p1/1.png", "b/2.png"],
            r"a/p1 is the folder of a patient, but .*/b holds images without",
        ),
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


def test_classes_that_only_begin_like_a_split_are_classes(tmp_path: Path):
    draw(tmp_path, "te/1.png", "testicle/2.png", "valve/3.png", "trainable/train_1/3.png")
    with pytest.raises(DataError, match="give each patient a folder"):
        folder.index(tmp_path)
    draw(tmp_path / "b", "te/1.png", "testicle/2.png", "valve/3.png")
    assert folder.index(tmp_path / "b").classes == ("te", "testicle", "valve")


def test_a_copied_folder_is_split_alike(tmp_path: Path):
    """Neither the folder's name nor its place deals an image elsewhere."""
    draw(tmp_path / "scans", *(f"{name}/{n}.png" for name in "ab" for n in range(20)))
    shutil.copytree(tmp_path / "scans", tmp_path / "deep" / "old scans")
    one, other = (folder.index(tmp_path / name) for name in ("scans", "deep/old scans"))
    assert splits_of(one) == splits_of(other)
    assert set(other.table["source"]) == {"old scans"}
    folds = [splits_of(kfold(samples, 4, 2)) for samples in (one, other)]
    assert folds[0] == folds[1]


def test_images_beside_the_split_folders_are_counted(tmp_path: Path):
    draw(tmp_path, "train/a/1.png", "test/b/2.png", "logo.png")
    samples = folder.index(tmp_path)
    assert len(samples) == 2
    assert samples.notes[-1] == "1 images outside the split folders are left out"
    draw(tmp_path, "test/3.png")
    with pytest.raises(DataError, match=r"test mixes images with folders \(b\)"):
        folder.index(tmp_path)


def test_folders_below_the_classes_are_patients(tmp_path: Path):
    draw(
        tmp_path,
        *(f"{name}/p{p}{name}/day/{n}.png" for name in "ab" for p in range(10) for n in "12"),
    )
    samples = folder.index(tmp_path)
    assert samples.patients_named
    assert samples.notes[:2] == (
        "patients are the folders below the classes: 20, as p0a",
        "no split folders: split by patient, 70/10/20, seed 0",
    )
    assert samples.table.groupby("patient")["split"].nunique().max() == 1
    assert samples.table["patient"].nunique() == 20


@pytest.mark.parametrize(
    ("patients", "warned"),
    [
        (
            {"a": ["left", "right"], "b": ["left", "right"]},
            "left and right, taken for patients, are",
        ),
        (
            {"a": "0123456789", "b": "0123456789"},
            "folders such as 0 and 1, taken for patients, are",
        ),
        ({"a": ["p1", "p2"], "b": ["p3"]}, "only 3 folders, such as p1 and p2, taken for patients"),
        ({"a": "01234567", "b": "45678923"}, ""),
        ({"a": "01234567"}, ""),
    ],
)
def test_folders_that_may_be_no_patients_are_warned_of(
    tmp_path: Path, patients: dict[str, list[str]], warned: str
):
    draw(tmp_path, *(f"train/{name}/{p}/1.png" for name, own in patients.items() for p in own))
    warnings = [note for note in folder.index(tmp_path).notes if note.startswith("WARNING")]
    assert len(warnings) == bool(warned)
    assert all(warned in note for note in warnings)


def test_a_patient_is_in_one_split_folder(tmp_path: Path):
    draw(tmp_path, "train/a/p1/1.png", "train/b/p2/1.png", "test/b/p1/2.png")
    with pytest.raises(DataError, match=r"1 patients are in two splits, for example 'p1'"):
        folder.index(tmp_path)


def test_masks_lie_beside_the_images_under_their_names(tmp_path: Path):
    root, masks = tmp_path / "scans", tmp_path / "masks"
    draw(root, "ill/a.jpg", "ill/b.png", "well/c.png")
    draw(masks, "ill/a.png", "well/c.png", "well/other.png")
    samples = folder.index(root, masks="../masks")
    files = dict(zip(samples.table["path"], samples.named_files("mask"), strict=True))
    assert {path: file and file.resolve() for path, file in files.items()} == {
        "ill/a.jpg": masks.resolve() / "ill/a.png",
        "ill/b.png": None,
        "well/c.png": masks.resolve() / "well/c.png",
    }
    assert "1 of 3 images have no mask, such as ill/b.png" in samples.notes
    draw(masks, "ill/b.tif")
    whole = folder.index(root, masks="../masks")
    assert all(whole.named_files("mask"))
    assert not [note for note in whole.notes if "mask" in note]


def test_a_folder_of_masks_that_cannot_be_is_refused(tmp_path: Path):
    root = tmp_path / "scans"
    draw(root, "ill/a.png", "well/c.png")
    draw(tmp_path / "others", "ill/z.png")
    draw(tmp_path / "twice", "ill/a.png", "ill/a.bmp")
    for masks, message in (
        ("../nowhere", "there is no folder"),
        ("ill", "lies among the images; put it beside"),
        ("../others", "has no mask of the name of an image, such as ill/a.png"),
        ("../twice", "has both ill/a.* and ill/a.*; keep one"),
    ):
        with pytest.raises(DataError, match=message):
            folder.index(root, masks=masks)
