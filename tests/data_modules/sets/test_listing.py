"""Finding image files: at any depth, without what other systems leave behind."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import gettempdir

import pytest
from drawn_images import draw

from data_modules.errors import DataError
from data_modules.sets import (
    chest_xray_pneumonia,
    luna16_patches,
    luna16_slices,
    natural_images,
)
from data_modules.sets.listing import (
    find_images,
    is_image,
    make_table,
    missing_files,
    numbered_names,
)


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
    found = find_images(tmp_path)
    assert found.images == expected
    assert find_images(tmp_path, "b", "b-c").images == [*expected[2:4], expected[1]]
    assert find_images(tmp_path, "absent").images == []
    assert found.notes() == ["2 files that are no images here are passed over: 1 hidden, 1 .txt"]


def test_a_folder_that_links_to_itself_is_one_clear_line(tmp_path: Path):
    draw(tmp_path, "a/1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "a" / "once more").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(DataError, match="links to a folder that holds it") as caught:
        find_images(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_is_passed_over_is_counted_and_named(tmp_path: Path):
    draw(tmp_path, "a/1.png")
    for name in ("1.DCM", "2.dcm", "a/scan.nii.gz", "a/IM0001", "a/._1.png", "a/Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "b" / "c").mkdir(parents=True)
    assert find_images(tmp_path).notes() == [
        "WARNING: 4 files that are no images here are passed over: 2 .dcm, 1 .nii.gz, "
        "1 without extension",
        "WARNING: 1 folder holds no image, such as b/c",
    ]


@pytest.mark.parametrize("name", ["scan.jfif", "scan.pgm", "scan.gif", "scan.JPE"])
def test_images_of_less_known_extensions_are_read(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"x")
    assert find_images(tmp_path).images == [name]


def test_what_never_ends_is_no_image(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png: is no regular file \(a pipe or a device\)"):
        find_images(tmp_path)
    (tmp_path / "pipe.png").unlink()
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"zero\.png: is no regular file"):
        find_images(tmp_path)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / os.fsdecode(b"r\xf6ntgen.png")).write_bytes(b"x")
    with pytest.raises(DataError, match=r"the name 'r\\udcf6ntgen.png' is not UTF-8; rename it"):
        find_images(tmp_path)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path):
    """As an ordinary user in a child process: root may list everything."""
    draw(tmp_path, "train/covid/p7/1.png")
    for folder in (tmp_path, *tmp_path.parents):
        if Path(gettempdir()) in folder.parents:
            folder.chmod(0o755)
    (tmp_path / "train" / "covid" / "p7").chmod(0)
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        shown = pool.submit(_listed_by_an_ordinary_user, tmp_path).result()
    (tmp_path / "train" / "covid" / "p7").chmod(0o755)
    assert shown.startswith(f"{tmp_path}/train/covid/p7: cannot be listed (Permission denied)")


def _listed_by_an_ordinary_user(root: Path) -> str:
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        return str(find_images(root))
    except DataError as error:
        return str(error)


def test_names_of_a_patient_and_a_number_are_warned_of():
    paths = [f"covid/p{patient}_{number}.png" for patient in range(3) for number in range(2)]
    assert "such as covid/p0_0.png and covid/p0_1.png look like two" in numbered_names(paths)[0]
    assert numbered_names([f"covid/scan_{number}.png" for number in range(9)]) == []
    assert numbered_names([f"covid/p{number}_1.png" for number in range(9)]) == []


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
