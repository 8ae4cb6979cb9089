"""The phantom: what its images hold, and who its patients are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_modules.errors import DataError
from data_modules.phantom import (
    index_ct,
    index_null,
    index_patches,
    index_shapes,
    index_xray,
    lesion_mask,
)
from data_modules.phantom.ct import draw_scan
from data_modules.phantom.shapes import draw_shape
from data_modules.phantom.writing import VERSION
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


@pytest.mark.parametrize(
    ("index", "options", "count", "size", "classes"),
    [
        (index_shapes, {"images": 60, "size": 32}, 60, 32, 12),
        (index_xray, {"patients": 10, "size": 40}, 10, 40, 2),
        (index_patches, {"patients": 8, "size": 24}, 32, 24, 2),
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
