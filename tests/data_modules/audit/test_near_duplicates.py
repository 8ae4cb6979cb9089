"""Copies of one image in two splits are found, however they were saved."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from data_modules.audit import likeness, thumbnails
from data_modules.audit import near_duplicates as module
from data_modules.audit.boxes import Boxes
from data_modules.audit.likeness import NEAR, TURNED
from data_modules.audit.near_duplicates import near_duplicates, same_pixels
from data_modules.file_hashes import FileHashes
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


def test_a_flipped_bit_in_the_memo_of_thumbnails_changes_nothing(tmp_path: Path):
    scan(0).save(tmp_path / "0.png")
    scan(1).save(tmp_path / "1.png")
    given = [str(tmp_path / "0.png"), str(tmp_path / "1.png")], ["zero", "one"], tmp_path
    expected = thumbnails.thumbnails(*given)
    memo, rng = tmp_path / thumbnails.MEMO, np.random.default_rng(0)
    whole = memo.read_bytes()
    for place in rng.choice(len(whole), 100, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        memo.write_bytes(damaged)
        for found, one in zip(thumbnails.thumbnails(*given), expected, strict=True):
            np.testing.assert_array_equal(found, one)


def test_images_seen_before_are_not_decoded_again_and_known_pairs_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    samples, memo = write_scans(tmp_path), tmp_path / "memo"
    first = near_duplicates(samples, memo)
    copy = Samples(shutil.copytree(tmp_path, tmp_path.parent / "elsewhere"), samples.table)
    monkeypatch.setattr(thumbnails, "_thumbnail", pytest.fail)
    other = samples.table.assign(split=["val", *samples.table["split"][1:]])
    assert set(near_duplicates(replace(copy, table=other), memo)["split"]) == {"val", "train"}
    monkeypatch.setattr(module, "_find", None)
    pd.testing.assert_frame_equal(near_duplicates(copy, memo), first)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("number", range(module.ORIENTATIONS))
def test_turned_mirrored_and_inverted_copies_are_found(tmp_path: Path, number: int, negative: bool):
    names = [f"{seed}.png" for seed in range(20)] + ["copy.jpg"]
    for seed, name in enumerate(names[:-1]):
        scan(seed).save(tmp_path / name)
    pixels = likeness._turned(np.asarray(scan(7))[None], number)[0]
    copy = Image.fromarray(255 - pixels if negative else np.ascontiguousarray(pixels))
    copy.resize((copy.width * 4 // 5, copy.height * 4 // 5)).save(tmp_path / "copy.jpg", quality=75)
    found = near_duplicates(alone(tmp_path, names))
    assert found[["path", "other_path", "kind"]].to_numpy().tolist() == [
        ["7.png", "copy.jpg", "near"]
    ]
    assert found["correlation"].between(TURNED, 1).all()


def alone(root: Path, names: list[str]) -> Samples:
    """Images that are all compared with each other."""
    table = pd.DataFrame({"path": names, "label": "", "patient": names, "study": "", "source": "s"})
    return Samples(root, table.assign(split="train"), alone=True)


def test_no_pair_is_missed_that_a_comparison_of_all_finds(monkeypatch: pytest.MonkeyPatch):
    """Smooth pictures of few pixels, so that many are alike in some orientation."""
    monkeypatch.setattr(likeness, "FEW", 0)
    monkeypatch.setattr(likeness, "COLUMNS_AT_ONCE", 100)
    monkeypatch.setattr(likeness, "ROWS_AT_ONCE", 150)
    rng = np.random.default_rng(0)
    pictures = np.array(
        [
            Image.fromarray(rng.integers(0, 256, (2, 3), dtype=np.uint8)).resize((17, 17))
            for _ in range(600)
        ]
    )
    rows = np.arange(600)
    expected = {}
    for number in range(module.ORIENTATIONS):
        turned = likeness._signatures(likeness._turned(pictures, number))
        alike = turned @ likeness._signatures(pictures).T
        near = (alike >= (TURNED if number else NEAR)) | (alike <= -TURNED)
        for one, other in zip(*np.nonzero(np.triu(near, 1)), strict=True):
            pair = int(one), int(other)
            expected[pair] = max(expected.get(pair, 0), min(abs(float(alike[pair])), 1))
    every, compared = np.ones(600, dtype=bool), [(rows, rows)]
    pairs = module._find(rows, every, compared, pictures, module.LEAST)
    found = {(a, b): c for a, b, c in pairs}
    assert found.keys() == expected.keys()
    assert len(found) > 100
    np.testing.assert_allclose([found[pair] for pair in expected], list(expected.values()), 1e-5)


def test_symmetric_images_do_not_use_up_the_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each two discs are near in all eight orientations, and are one pair."""
    discs, rng = 30, np.random.default_rng(0)
    for place in (module, likeness):
        monkeypatch.setattr(place, "MOST_PAIRS", 500)
    names = [f"{number}.png" for number in range(discs)] + ["scan.png", "mirrored.png"]
    y, x = np.mgrid[-32:32, -32:32] + 0.5
    disc = 255.0 * (x**2 + y**2 < 20**2)
    for name in names[:discs]:
        pixels = np.clip(disc + rng.normal(0, 3, disc.shape), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name)
    scan(0).save(tmp_path / "scan.png")
    Image.fromarray(np.asarray(scan(0))[:, ::-1].copy()).save(tmp_path / "mirrored.png")
    found = near_duplicates(alone(tmp_path, names))
    assert len(found) == discs * (discs - 1) // 2 + 1
    assert "mirrored.png" in set(found["other_path"])


@pytest.mark.parametrize("by_itself", [True, False])
def test_many_copies_do_not_use_up_the_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_itself: bool
):
    for place in (module, likeness):
        monkeypatch.setattr(place, "MOST_PAIRS", 50)
    names = [f"{number}.png" for number in range(20)]
    for name in names:
        Image.new("L", (50, 50), 9).save(tmp_path / name)
    scan(0).save(tmp_path / "scan.png")
    scan(0).resize((80, 96)).save(tmp_path / "smaller.png")
    samples = alone(tmp_path, [*names, "scan.png", "smaller.png"])
    splits = ["train", "test"] * 11
    found = near_duplicates(
        replace(samples, table=samples.table.assign(split=splits), alone=by_itself)
    )
    assert found[["path", "other_path"]].iloc[-1].tolist() == ["scan.png", "smaller.png"]
    exact = found[found["kind"] == "exact"]
    across = exact[exact["split"] != exact["other_split"]]
    assert {*across["path"], *across["other_path"]} == set(names)
    within = exact.drop(across.index)
    for start, split in enumerate(("train", "test")):
        own = within[within["split"] == split]
        linked = {*own["path"], *own["other_path"]}
        assert linked == (set(names[start::2]) if by_itself else set())


def test_flat_images_of_the_same_pixels_are_exact_and_decoded_once_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shades = [9, 9, 9, 10, 9]
    names = [f"{number}.png" for number in range(len(shades))]
    for name, shade in zip(names, shades, strict=True):
        size = (60, 50) if name == "4.png" else (50, 50)
        Image.new("L", size, shade).save(tmp_path / name, compress_level=int(name[0]))
    samples, decoded = alone(tmp_path, names), []
    read = thumbnails.read_image
    monkeypatch.setattr(thumbnails, "read_image", lambda *how: decoded.append(how) or read(*how))
    found = near_duplicates(samples, tmp_path / "memo")
    assert set(found["kind"]) == {"exact"}
    assert found[["path", "other_path"]].to_numpy().tolist() == [
        ["0.png", "1.png"],
        ["1.png", "2.png"],
    ]
    assert len(decoded) == 5 + 4  # the thumbnails, and those of one look
    numbers = same_pixels(samples, FileHashes(tmp_path / "memo"))
    assert len(decoded) == 5 + 4
    assert len(set(numbers[:3])) == 1
    assert len(set(numbers)) == 3


def bright_box(grey: np.ndarray) -> tuple[float, float, float, float] | None:
    """Where a picture is brighter than its black frame."""
    rows, columns = (np.flatnonzero((grey > 2).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    height, width = grey.shape
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


BRIGHT = Boxes("bright-1", bright_box)


def framed(image: Image.Image, *frame: int) -> Image.Image:
    left, top, right, bottom = frame
    whole = Image.new("L", (image.width + left + right, image.height + top + bottom))
    whole.paste(Image.fromarray(np.maximum(np.asarray(image), 9)), (left, top))
    return whole


def write_framed(root: Path) -> Samples:
    """One scan in two frames, another scan, and a picture without a box."""
    pictures = {
        "a.png": framed(scan(0), 0, 0, 0, 0),
        "b.png": framed(scan(0).resize((90, 108)), 60, 10, 5, 40),
        "c.png": framed(scan(1), 60, 10, 5, 40),
        "d.png": Image.new("L", (50, 50)),
    }
    for name, picture in pictures.items():
        picture.save(root / name)
    splits = ["train", "test", "test", "test"]
    table = pd.DataFrame({"path": list(pictures), "patient": list(pictures), "split": splits})
    return Samples(root, table.assign(label="", study="", source="s"))


def test_copies_that_were_cropped_otherwise_are_alike_within_their_boxes(tmp_path: Path):
    samples, memo = write_framed(tmp_path), tmp_path / "memo"
    assert near_duplicates(samples, memo).empty
    found = near_duplicates(samples, memo, BRIGHT)
    assert found[["path", "other_path", "kind"]].to_numpy().tolist() == [["a.png", "b.png", "near"]]
    assert found["correlation"].between(NEAR, 1).all()
    assert near_duplicates(samples, memo).empty


def test_boxes_are_looked_for_once_until_their_name_changes(tmp_path: Path):
    samples, memo, asked = write_framed(tmp_path), tmp_path / "memo", []

    def find(grey: np.ndarray) -> tuple[float, float, float, float] | None:
        asked.append(grey.shape)
        return bright_box(grey)

    first = near_duplicates(samples, memo, Boxes("one", find))
    assert len(asked) == 4
    assert near_duplicates(samples, memo, Boxes("one", find)).equals(first)
    everyone = near_duplicates(replace(samples, alone=True), memo, Boxes("one", find))
    assert everyone["path"].tolist() == ["a.png"]
    assert len(asked) == 4
    near_duplicates(samples, memo, Boxes("two", find))
    assert len(asked) == 8


def test_a_pair_that_is_alike_as_a_whole_and_within_its_boxes_is_one(tmp_path: Path):
    samples = write_scans(tmp_path)
    found = near_duplicates(samples, boxes=BRIGHT)
    assert found[["path", "other_path"]].equals(near_duplicates(samples)[["path", "other_path"]])


@pytest.mark.real_data
def test_real_covid_ct_hides_a_scan_under_both_labels(real_data: Path):
    found = near_duplicates(index(real_data / "covid_ct"))
    pairs = {
        Path(a).name: Path(b).name for a, b in zip(found["path"], found["other_path"], strict=True)
    }
    assert pairs == KNOWN_COPIES
