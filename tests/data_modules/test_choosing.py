"""The slices of scans that show lungs, and the most different ones."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image
from scan_files import chest, pydicom, write_nifti, write_series

from data_modules.audit.boxes import Boxes
from data_modules.choosing import farthest_points
from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.registry import load
from data_modules.samples import Samples

looked: list[int] = []


def dark_share(grey: np.ndarray) -> float:
    """The share of pixels that are as dark as lungs in the lung window."""
    looked.append(1)
    return float(((grey > 80) & (grey < 110)).mean())


def no_box(_: np.ndarray) -> None:
    return None


LUNGS = Boxes("dark-1", no_box, dark_share)


def write_scan(folder: Path, with_lungs: list[bool], **tags: object) -> None:
    """A series of which some slices are of muscle alone."""
    paths = write_series(folder, [3.0 * place for place in range(len(with_lungs))], **tags)
    for place, (path, shows) in enumerate(zip(paths, with_lungs, strict=True)):
        data = pydicom.dcmread(path)
        values = chest(place)
        stored = np.where(shows, values, np.maximum(values, 40)).astype(np.int32) + 1024
        data.PixelData = stored.astype(np.uint16).tobytes()
        data.save_as(path)


def loaded(root: Path, slices: object, memo: Path, **settings: object) -> Samples:
    config = DataConfig(name="folder", root=str(root), options={"slices": slices}, **settings)
    return load(config, root, hashes=FileHashes(memo), boxes=LUNGS)


def test_slices_without_lungs_are_left_out_and_counted(tmp_path: Path) -> None:
    root, memo = tmp_path / "scans", tmp_path / "memo"
    write_scan(root / "a", [False, True, True, False], SeriesInstanceUID="1.2.1")
    write_scan(root / "b", [False, False], SeriesInstanceUID="1.2.2", PatientID="other")
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(root / "a" / "picture.png")
    for window in ("lung", "bone"):
        samples = loaded(root, {"lungs": 0.05}, memo, window=window)
        kept = samples.table[samples.table["slice"] != ""]
        assert kept["slice"].tolist() == ["1", "2"]
        assert "a/picture.png" in set(samples.table["path"])
        assert any("4 of 6 slices are left out: they show less" in one for one in samples.notes)
        assert any("WARNING: of 1 of 2 scans no slice is left" in one for one in samples.notes)
    before = len(looked)
    assert len(loaded(root, {"lungs": 0.05}, memo)) == 3
    assert len(looked) == before  # remembered


def test_that_no_slice_is_left_is_refused(tmp_path: Path) -> None:
    write_scan(tmp_path / "scans" / "a", [False, False])
    with pytest.raises(DataError, match="leaves no slice; 2 of 2 slices are left out"):
        loaded(tmp_path / "scans", {"lungs": 0.05}, tmp_path / "memo")
    config = DataConfig(name="folder", root=str(tmp_path / "scans"))
    config.options = {"slices": {"lungs": 0.05}}
    with pytest.raises(DataError, match="nothing that finds lungs is given"):
        load(config, tmp_path)


def test_each_scan_keeps_its_most_different_slices(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    write_scan(root / "a", [True] * 4 + [False], SeriesInstanceUID="1.2.1")
    write_nifti(root / "b" / "volume.nii.gz", slices=2)
    samples = loaded(root, {"different": 2}, tmp_path / "memo")
    by_scan = samples.table.groupby("study")["slice"].apply(list)
    assert sorted(map(len, by_scan)) == [2, 2]
    [series] = [one for name, one in by_scan.items() if name != "b/volume"]
    assert "4" in series  # the one slice that shows no lungs
    assert any(
        "3 of 7 slices are left out: they are not among the 2 most" in n for n in samples.notes
    )
    every = loaded(root, {"different": 9}, tmp_path / "memo")
    assert len(every) == 7


def test_slices_of_a_table_may_have_names(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    root.mkdir()
    lines = ["path,patient,split,label,slice,study"]
    for number in range(12):
        Image.fromarray(np.full((24, 24), 90, np.uint8)).save(root / f"{number:02}.png")
        lines.append(f"{number:02}.png,p1,train,,IM{11 - number},s1")
    (root / "samples.csv").write_text("\n".join(lines) + "\n")
    options = {"slices": {"different": 3}}
    config = DataConfig(name="csv", root=str(root), options=options)
    samples = load(config, root, hashes=FileHashes(tmp_path / "memo"), boxes=LUNGS)
    assert sorted(samples.table["slice"]) == ["IM0", "IM1", "IM2"]  # of equal ones the first


def test_every_then_lungs_then_different(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    write_scan(root / "a", [True, True, False, True, True, True, True])
    samples = loaded(root, {"every": 2, "lungs": 0.05, "different": 2}, tmp_path / "memo")
    assert set(samples.table["slice"]) < {"0", "4", "6"}
    assert len(samples) == 2


points = some.lists(
    some.tuples(some.integers(-9, 9), some.integers(-9, 9)), min_size=1, max_size=7, unique=True
)


@given(points, some.integers(1, 8))
def test_no_point_is_more_than_twice_as_far_as_with_the_best_choice(rows, count: int) -> None:
    table = np.array(rows, dtype=np.float32)
    chosen = farthest_points(table, count)
    assert len(set(chosen.tolist())) == min(count, len(table))
    assert chosen.tolist() == sorted(chosen.tolist())

    def reach(places: tuple[int, ...]) -> float:
        apart = np.linalg.norm(table[:, None] - table[None, list(places)], axis=2)
        return float(apart.min(axis=1).max())

    best = min(map(reach, combinations(range(len(table)), len(chosen))))
    assert reach(tuple(chosen)) <= 2 * best + 1e-4


def test_of_equal_points_the_first_are_taken() -> None:
    assert farthest_points(np.zeros((4, 3)), 2).tolist() == [0, 1]
