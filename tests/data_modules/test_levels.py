"""Windows and ranges: what they change, and what they leave as it is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scan_files import chest, write_nifti, write_series, write_slice

from data_modules.cache import build_cache
from data_modules.config import DataConfig
from data_modules.digest import content_digest, digest
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.levels import levels_by_unit
from data_modules.registry import check_config, load
from data_modules.samples import Samples


def loaded(root: Path, hashes: Path | None = None, **settings: object) -> Samples:
    config = DataConfig(name="folder", root=str(root), **settings)
    return load(config, root, hashes=None if hashes is None else FileHashes(hashes))


def write_deep(path: Path, low: int, high: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.linspace(low, high, 400, dtype=np.uint16).reshape(20, 20)).save(path)
    return path


def test_a_window_is_seen_noted_and_part_of_the_data(tmp_path: Path) -> None:
    write_series(tmp_path / "scans", [0, 3])
    lung = loaded(tmp_path / "scans")
    assert set(lung.table["window"]) == {"lung"}
    assert "2 images are in Hounsfield units: seen is the window lung (-1350 to 150)" in lung.notes
    bone = loaded(tmp_path / "scans", window={"centre": 400, "width": 1800})
    assert set(bone.table["window"]) == {"centre 400 width 1800"}
    assert digest(lung, tmp_path / "memo") != digest(bone, tmp_path / "memo")
    assert levels_by_unit(lung) == {"HU": "-1350.0..150.0HU"}
    seen = [build_cache(one, (24, 24), 1, tmp_path / "cache")[1].images[0] for one in (lung, bone)]
    assert (seen[0] != seen[1]).any()


def test_a_window_changes_nothing_of_8_bit_pictures(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "scans").mkdir(exist_ok=True)
        Image.fromarray(chest(number).astype(np.uint8)).save(tmp_path / "scans" / f"{number}.png")
    lung, bone = loaded(tmp_path / "scans"), loaded(tmp_path / "scans", window="bone")
    assert digest(lung, tmp_path / "memo") == digest(bone, tmp_path / "memo")
    assert list(lung.table.columns) == list(bone.table.columns)
    assert "levels" not in lung.table


def test_pictures_of_16_bits_share_one_range(tmp_path: Path) -> None:
    write_deep(tmp_path / "scans" / "a.png", 0, 1000)
    write_deep(tmp_path / "scans" / "b.png", 0, 4000)
    samples = loaded(tmp_path / "scans", tmp_path / "cache")
    images = build_cache(samples, (20, 20), 1, tmp_path / "cache", fit="stretch")[1].images
    assert images[1].max() == 255
    assert 60 < images[0].max() < 70, "a quarter of the other's brightness"
    (note,) = [note for note in samples.notes if "more than 8 bits" in note]
    assert "99.8 % of the values of 2 of them" in note
    again = loaded(tmp_path / "scans", tmp_path / "cache")
    assert again.table.equals(samples.table)
    assert content_digest(again, tmp_path / "cache") == content_digest(samples, tmp_path / "cache")


def test_a_stated_range_is_used(tmp_path: Path) -> None:
    write_deep(tmp_path / "scans" / "a.png", 0, 1000)
    samples = loaded(tmp_path / "scans", options={"range": [0, 2000]})
    images = build_cache(samples, (20, 20), 1, tmp_path / "cache", fit="stretch")[1].images
    assert 126 <= images[0].max() <= 128
    assert any("0 is black and 2000 white, as options.range says" in one for one in samples.notes)


def test_a_range_says_that_volumes_are_not_in_hounsfield_units(tmp_path: Path) -> None:
    write_nifti(tmp_path / "scans" / "a.nii.gz")
    assert set(loaded(tmp_path / "scans").table["unit"]) == {"HU"}
    grey = loaded(tmp_path / "scans", options={"range": [-1000, 1000]}).table
    assert set(grey["unit"]) == {"grey"}
    assert set(grey["levels"]) == {"-1000.0..1000.0"}


def test_values_that_are_no_hounsfield_units_end_before_training(tmp_path: Path) -> None:
    write_series(tmp_path / "scans", list(range(0, 75, 3)), RescaleSlope=None)
    for file in (tmp_path / "scans").glob("*.dcm"):
        write_slice(file, chest() + 1000, float(file.stem) * 3, RescaleIntercept=None)
    samples = loaded(tmp_path / "scans")
    with pytest.raises(DataError, match="25 of 25 images cannot be used") as error:
        build_cache(samples, (24, 24), 1, tmp_path / "cache")
    lines = str(error.value).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  and 5 more"
    assert "none shows air" in lines[1]


def test_windows_are_as_many_as_channels(tmp_path: Path) -> None:
    write_series(tmp_path / "scans", [0, 3])
    three = loaded(tmp_path / "scans", window=["lung", "mediastinum", "bone"])
    assert set(three.table["window"]) == {"lung+mediastinum+bone"}
    with pytest.raises(DataError, match="3 windows need as many channels"):
        build_cache(three, (24, 24), 1, tmp_path / "cache")
    image = build_cache(three, (24, 24), 3, tmp_path / "cache")[1].images[0]
    assert len({layer.tobytes() for layer in image}) == 3


def test_a_union_hands_its_window_to_its_members(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_series(tmp_path / name, [0, 3], SeriesInstanceUID=f"1.{len(name)}.{name == 'one':d}")
    members = [
        {"name": "folder", "root": str(tmp_path / "one")},
        {"name": "folder", "root": str(tmp_path / "two"), "window": "bone"},
    ]
    table = load(DataConfig(union=members, window="mediastinum"), tmp_path).table
    assert dict(zip(table["source"], table["window"], strict=True)) == {
        "one": "mediastinum",
        "two": "bone",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": "lungs"}, "data.window: 'lungs' is unknown"),
        ({"options": {"range": [5, 5]}}, "is no range"),
        ({"options": {"range": "all"}}, "is no range"),
        ({"options": {"slices": "some"}}, "data.options.slices"),
    ],
)
def test_a_wrong_setting_is_known_before_data_is_read(settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_config(DataConfig(name="folder", root="nowhere", **settings))


def test_slices_of_one_file_have_hashes_of_their_own(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz")
    hashes = FileHashes(tmp_path / "memo")
    whole, one, other, seen = hashes.of(
        [tmp_path / f"a.nii.gz{end}" for end in ("", "#000", "#001", "#001@0.0..1.0")]
    )
    assert len({whole, one, other, seen}) == 4
    write_nifti(tmp_path / "a.nii.gz", 5)
    assert FileHashes(tmp_path / "memo").of([tmp_path / "a.nii.gz#000"]) != [one]


def test_values_in_a_file_beside_the_header_count(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK", reason="pip install 'matl[volumes]'")
    digests = []
    for number in range(2):
        image = sitk.GetImageFromArray(np.stack([chest(number)] * 2))
        sitk.WriteImage(image, str(tmp_path / "a.mhd"))
        digests += FileHashes(tmp_path / "memo").of([tmp_path / "a.mhd#000"])
    assert digests[0] != digests[1]
