"""The phantom: what its images hold, who its patients are, and that it is written whole or not."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from data_modules.errors import DataError
from data_modules.phantom import index_ct, index_null, index_shapes, index_xray, lesion_mask
from data_modules.phantom.cohort import chance_labels, patient
from data_modules.phantom.ct import Scan, draw_scan
from data_modules.phantom.shapes import draw_shape
from data_modules.phantom.writing import VERSION, digest, write_once
from data_modules.phantom.xray import draw_radiograph
from data_modules.samples import Samples

SMALL = {"patients": 12, "slices": 2, "size": 48}


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return index_ct(tmp_path_factory.mktemp("ct"), **SMALL)


@pytest.fixture(scope="module")
def null(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return index_null(tmp_path_factory.mktemp("null"), **SMALL)


def read(files: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(file)) for file in files])


def kinds(samples: Samples) -> list[str]:
    return [study.rsplit("-", 1)[1] for study in samples.table["study"]]


def scan(kind: str, number: int) -> Scan:
    return draw_scan(kind, 3, 96, np.random.default_rng([7, number]))


@pytest.mark.parametrize(
    ("index", "options", "count", "size", "classes"),
    [
        (index_shapes, {"images": 60, "size": 32}, 60, 32, 12),
        (index_xray, {"patients": 10, "size": 40}, 10, 40, 2),
        (index_ct, SMALL, 24, 48, 2),
        (index_null, SMALL, 24, 48, 2),
    ],
)
def test_images_and_table(
    tmp_path: Path,
    index: Callable[..., Samples],
    options: dict[str, int],
    count: int,
    size: int,
    classes: int,
) -> None:
    samples = index(tmp_path, **options)
    images = read(samples.files())
    assert images.shape == (count, size, size)
    assert images.dtype == np.uint8
    assert images.std(axis=(1, 2)).min() > 10
    assert len(samples.classes) == classes
    assert set(np.unique(samples.targets())) == set(range(classes))
    assert samples.root.parent == tmp_path
    assert {"train", "val"} <= set(samples.table["split"])


def test_every_split_of_the_ct_holds_both_classes_even_when_small(tmp_path: Path) -> None:
    table = index_ct(tmp_path, patients=6, slices=1, size=32).table
    assert len(table.drop_duplicates(["split", "label"])) == 6


def test_default_cohort_is_split_60_15_25_in_each_kind() -> None:
    people = [patient(number) for number in range(160)]
    for kind, size in (("covid", 80), ("healthy", 40), ("central", 40)):
        splits = [person.split for person in people if person.kind == kind]
        counts = [splits.count(split) for split in ("train", "val", "test")]
        assert counts == [0.6 * size, 0.15 * size, 0.25 * size]


def test_slices_of_a_patient_share_label_and_split(ct: Samples) -> None:
    per_patient = ct.table.groupby("patient")[["label", "split", "study"]].nunique()
    assert (per_patient == 1).all(axis=None)
    assert (ct.table.groupby("patient").size() == SMALL["slices"]).all()


def test_ct_and_xray_have_different_patients(tmp_path: Path, ct: Samples) -> None:
    xray = index_xray(tmp_path, patients=10, size=40)
    assert not set(xray.table["patient"]) & set(ct.table["patient"])


def test_same_seed_same_pixels_other_seed_other_pixels(tmp_path: Path, ct: Samples) -> None:
    again = index_ct(tmp_path, **SMALL)
    other = index_ct(tmp_path, **SMALL, seed=1)
    np.testing.assert_array_equal(read(again.files()), read(ct.files()))
    assert again.table.equals(ct.table)
    assert other.root != again.root
    assert (read(other.files()) != read(ct.files())).any(axis=(1, 2)).all()
    assert not set(other.table["patient"]) & set(ct.table["patient"])


def test_a_patient_does_not_depend_on_how_many_there_are(tmp_path: Path, ct: Samples) -> None:
    few = index_ct(tmp_path, **{**SMALL, "patients": 6})
    first = ct.subset(np.arange(len(ct)) < len(few))
    assert few.table.equals(first.table)
    np.testing.assert_array_equal(read(few.files()), read(first.files()))


def test_second_call_writes_nothing(ct: Samples) -> None:
    before = {file: file.stat().st_mtime_ns for file in ct.files()}
    index_ct(ct.root.parent, **SMALL)
    assert {file: file.stat().st_mtime_ns for file in ct.files()} == before


@pytest.mark.parametrize("change", [{"patients": 7}, {"slices": 3}, {"size": 33}, {"seed": 1}])
def test_each_option_changes_the_folder(change: dict[str, int]) -> None:
    options = {"patients": 6, "slices": 1, "size": 32, "seed": 0}
    assert digest("ct", options) != digest("ct", {**options, **change})
    assert digest("ct", options) != digest("xray", options)


def test_pixels_change_only_with_the_version() -> None:
    drawn = {
        "covid": draw_scan("covid", 1, 32, np.random.default_rng(5)).images,
        "central": draw_scan("central", 1, 32, np.random.default_rng(5)).images,
        "xray": draw_radiograph(True, 32, np.random.default_rng(5)),
        "tree": draw_shape("tree", 32, np.random.default_rng(5)),
    }
    means = {name: float(image.mean()) for name, image in drawn.items()}
    pinned = {"covid": 94.75, "central": 97.06, "xray": 119.57, "tree": 103.38}
    assert (VERSION, means) == (2, pytest.approx(pinned, abs=0.05))


def test_masks_lie_beside_the_slices_and_are_no_images(ct: Samples) -> None:
    masks = read([lesion_mask(file) for file in ct.files()])
    assert masks.shape == (24, 48, 48)
    assert set(np.unique(masks)) == {0, 255}
    assert not ct.table["path"].str.contains("masks").any()
    ill: dict[str, list[bool]] = {kind: [] for kind in ("covid", "healthy", "central")}
    for kind, mask in zip(kinds(ct), masks, strict=True):
        ill[kind].append(bool(mask.any()))
    assert all(ill["covid"])
    assert not any(ill["healthy"])
    assert any(ill["central"])


def test_null_has_the_ct_images_and_labels_that_ignore_them(ct: Samples, null: Samples) -> None:
    np.testing.assert_array_equal(read(null.files()), read(ct.files()))
    assert list(null.table["patient"]) == list(ct.table["patient"])
    assert (null.table.groupby("patient")["label"].nunique() == 1).all()
    assert set(null.table["source"]) == {"phantom_null"}


@pytest.mark.parametrize("seed", range(3))
def test_null_labels_are_independent_of_the_kind(seed: int) -> None:
    people = [patient(number) for number in range(1000)]
    labels = np.array(chance_labels(people, np.random.default_rng(seed)))
    for kind in ("covid", "healthy", "central"):
        assert abs((labels[[one.kind == kind for one in people]] == "covid").mean() - 0.5) < 0.1
    for split in ("train", "val", "test"):
        drawn = labels[[one.split == split for one in people]]
        assert abs((drawn == "covid").sum() - (drawn == "other").sum()) <= 1


@pytest.mark.parametrize("number", range(6))
def test_covid_lesions_lie_in_the_lungs_at_the_pleura_and_mostly_behind(number: int) -> None:
    drawn = scan("covid", number)
    depth = np.stack([ndimage.distance_transform_edt(field) for field in drawn.lungs])
    back = np.arange(96)[None, :, None] * np.ones_like(depth)
    assert drawn.lesions.any(axis=(1, 2)).all()
    assert not (drawn.lesions & ~drawn.lungs).any()
    assert depth[drawn.lesions].mean() < depth[drawn.lungs].mean()
    assert back[drawn.lesions].mean() > back[drawn.lungs].mean()


@pytest.mark.parametrize("number", range(6))
def test_central_lesions_spare_the_outer_lung(number: int) -> None:
    central, covid = scan("central", number), scan("covid", number)
    shares = []
    for drawn in (central, covid):
        chest = np.stack([ndimage.binary_fill_holes(hull(field)) for field in drawn.lungs])
        depth = np.stack([ndimage.distance_transform_edt(inner) for inner in chest])
        shares.append((depth[drawn.lesions] < 3).mean())
    assert shares[0] < 0.1 < shares[1]


def hull(field: np.ndarray) -> np.ndarray:
    """The lungs with what lies between them."""
    after_left_edge = np.maximum.accumulate(field, axis=1)
    before_right_edge = np.maximum.accumulate(field[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(after_left_edge & before_right_edge)


@pytest.mark.parametrize("kind", ["healthy", "covid", "central"])
def test_lungs_are_dark_inside_a_brighter_body(kind: str) -> None:
    drawn = scan(kind, 3)
    for image, field, lesion in zip(drawn.images, drawn.lungs, drawn.lesions, strict=True):
        lung = np.median(image[ndimage.binary_erosion(field) & ~lesion])
        wall = np.median(image[ndimage.binary_dilation(field, iterations=3) & ~field])
        assert 0.08 < field.mean() < 0.6
        assert wall > lung + 60


@pytest.mark.parametrize("number", range(4))
def test_opacities_brighten_the_lungs_of_the_same_chest(number: int) -> None:
    clear, opaque = (
        draw_radiograph(ill, 48, np.random.default_rng(number)).astype(float)
        for ill in (False, True)
    )
    assert np.corrcoef(clear.ravel(), opaque.ravel())[0, 1] > 0.85
    in_chest, above = (opaque - clear)[12:34, 8:40].mean(), (opaque - clear)[:4].mean()
    assert in_chest > max(above, 0) + 4


@pytest.mark.parametrize(
    ("index", "options", "word"),
    [
        (index_ct, {"patients": 5}, "patients"),
        (index_ct, {"slices": 0}, "slices"),
        (index_null, {"seed": -1}, "seed"),
        (index_shapes, {"size": "64"}, "size"),
        (index_xray, {"patients": True}, "patients"),
    ],
)
def test_wrong_options_are_one_clear_line(
    tmp_path: Path, index: Callable[..., Samples], options: dict[str, object], word: str
) -> None:
    with pytest.raises(DataError, match=word) as error:
        index(tmp_path, **options)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_root_that_is_a_file_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file"):
        index_xray(tmp_path / "file", patients=4, size=32)


def test_interrupted_writing_leaves_no_half_folder_and_the_next_call_completes(
    tmp_path: Path,
) -> None:
    def images(stop_after: int) -> Iterator[tuple[str, np.ndarray]]:
        for number in range(3):
            if number == stop_after:
                raise KeyboardInterrupt
            yield f"images/{number}.png", np.full((4, 4), number, dtype=np.uint8)

    folder = tmp_path / digest("ct", {})
    with pytest.raises(KeyboardInterrupt):
        write_once(tmp_path, "ct", {}, images(2))
    assert not folder.exists()
    assert write_once(tmp_path, "ct", {}, images(3)) == folder
    assert sorted(path.name for path in folder.rglob("*.png")) == ["0.png", "1.png", "2.png"]
    assert not list(tmp_path.glob("*.partial"))


def test_two_processes_at_once_write_one_whole_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        counts = pool.map(write_small_xray, [tmp_path, tmp_path], chunksize=1)
    assert counts == [8, 8]
    assert len(list(tmp_path.glob("*/images/*.png"))) == 8


def write_small_xray(root: Path) -> int:
    samples = index_xray(root, patients=8, size=32)
    return sum(file.is_file() for file in samples.files())
