"""Finding image files: at any depth, without what other systems leave behind."""

from pathlib import Path

import pytest
from drawn_images import draw

from data_modules.errors import DataError
from data_modules.sets import (
    chest_xray_pneumonia,
    luna16_patches,
    luna16_slices,
    natural_images,
)
from data_modules.sets.listing import image_paths, is_image, make_table, missing_files


@pytest.mark.parametrize(
    ("name", "known"),
    [("a.png", True), ("a b.%0.JPEG", True), ("png", False), (".png", False), ("._a.png", False)],
)
def test_image_names(name: str, known: bool):
    assert is_image(name) is known


def test_images_are_found_at_any_depth_and_sorted(tmp_path: Path):
    draw(tmp_path, "b/deep/2.png", "a.png", "b/1 %.png", "b-c/0.png")
    draw(tmp_path, "__MACOSX/b/1.png", ".hidden/3.png", "b/._1.png")
    (tmp_path / "b" / "notes.txt").write_text("no image")
    (tmp_path / "link").symlink_to(tmp_path / "b" / "deep", target_is_directory=True)
    expected = ["a.png", "b-c/0.png", "b/1 %.png", "b/deep/2.png", "link/2.png"]
    assert image_paths(tmp_path) == expected
    assert image_paths(tmp_path, "b") == expected[2:4]
    assert image_paths(tmp_path, "absent") == []


def test_a_folder_that_links_to_itself_is_one_clear_line(tmp_path: Path):
    draw(tmp_path, "a/1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    with pytest.raises(DataError, match=r"again: cannot be listed \(Too many levels") as caught:
        image_paths(tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_files_keep_their_order(tmp_path: Path):
    draw(tmp_path, "a/1.png", "2.png")
    (tmp_path / "a" / "folder.png").mkdir()
    paths = [
        "a/0.png",
        "2.png",
        "a/folder.png",
        "a/1.png",
        "nowhere/1.png",
        f"../{tmp_path.name}/2.png",
    ]
    assert missing_files(tmp_path, paths) == ["a/0.png", "a/folder.png", "nowhere/1.png"]


def test_without_patients_each_image_is_its_own_group():
    table = make_table(["a", "b"], source="s")
    assert table["patient"].tolist() == ["a", "b"]
    assert make_table(["a", "b"], source="s", patient=["p", "p"])["patient"].tolist() == ["p", "p"]


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
