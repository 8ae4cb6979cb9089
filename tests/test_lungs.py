"""Lung fields: found where lungs are, refused where they are not, cut into six equal regions."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from matl.lungs import REGIONS, region_map

AIR, LUNG, BODY = 5, 50, 190


def oval(shape, x, y, width, height):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    across = (columns / shape[1] - x) / (width / 2)
    down = (rows / shape[0] - y) / (height / 2)
    return across**2 + down**2 <= 1


def lungs_of(shape):
    return oval(shape, 0.3, 0.5, 0.24, 0.55), oval(shape, 0.7, 0.5, 0.24, 0.55)


def slice_of(shape=(128, 128), lungs=True):
    image = np.full(shape, AIR, dtype=np.uint8)
    image[oval(shape, 0.5, 0.5, 0.94, 0.8)] = BODY
    for lung in lungs_of(shape) if lungs else ():
        image[lung] = LUNG
    noise = np.random.default_rng(0).normal(0, 4, shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def overlap(found, true):
    return (found & true).sum() / (found | true).sum()


def test_the_black_around_a_scanners_circle_is_not_the_only_dark_class():
    """As in MosMed: a window so wide that air and lungs are grey."""
    grey = 90 + slice_of() // 3
    grey[~oval(grey.shape, 0.5, 0.5, 1.0, 1.0)] = 0
    labels = region_map(grey[None])
    for number, lung in enumerate(lungs_of(grey.shape)):
        assert overlap((labels > 3 * number) & (labels <= 3 * number + 3), lung) > 0.9


def test_two_slits_in_a_circle_are_no_lungs():
    """As the ventricles of a head."""
    shape = (128, 128)
    grey = np.where(oval(shape, 0.5, 0.5, 0.9, 0.9), 180, 0).astype(np.uint8)
    for x in (0.42, 0.58):
        grey[oval(shape, x, 0.47, 0.09, 0.31)] = 100
    assert not region_map(grey[None]).any()


@pytest.mark.parametrize("value", [0, 128, 254, 255])
def test_a_slice_of_one_grey_has_no_field(value, recwarn):
    assert not region_map(np.full((1, 64, 64), value, dtype=np.uint8)).any()
    assert not recwarn


@pytest.mark.parametrize("shape", [(64, 64), (128, 128), (192, 160), (256, 256)])
def test_both_lungs_are_found_at_their_sides(shape):
    labels = region_map(slice_of(shape)[None])
    left, right = lungs_of(shape)
    assert labels.shape == shape
    assert labels.dtype == np.uint8
    assert overlap((labels >= 1) & (labels <= 3), left) > 0.9
    assert overlap(labels >= 4, right) > 0.9


def test_thirds_run_from_top_to_bottom_and_have_equal_areas():
    labels = region_map(slice_of()[None])
    for side in ((1, 2, 3), (4, 5, 6)):
        rows = [np.flatnonzero((labels == k).any(axis=1)) for k in side]
        assert rows[0].max() < rows[1].min()
        assert rows[1].max() < rows[2].min()
        areas = np.array([(labels == k).sum() for k in side])
        assert areas.max() / areas.min() < 1.25


def test_names_say_the_side_of_the_image_and_the_third():
    labels = region_map(slice_of()[None])
    for value, name in enumerate(REGIONS, start=1):
        y, x = (axis.mean() / 128 for axis in np.nonzero(labels == value))
        assert ("image_left" in name) == (x < 0.5)
        thirds = {"anterior": y < 0.45, "middle": 0.45 < y < 0.55, "posterior": y > 0.55}
        assert thirds[name.rsplit("_", 1)[1]]


def test_a_lesion_inside_a_lung_counts_as_lung():
    image = slice_of()
    lesion = oval(image.shape, 0.3, 0.45, 0.1, 0.1)
    image[lesion] = 230
    assert (region_map(image[None])[lesion] > 0).all()


def test_lungs_that_a_dark_bridge_joins_are_cut_between_them():
    image = slice_of()
    image[60:68, 40:90] = LUNG
    labels = region_map(image[None])
    left, right = lungs_of(image.shape)
    assert overlap((labels >= 1) & (labels <= 3), left) > 0.85
    assert overlap(labels >= 4, right) > 0.85


def test_a_single_lung_is_of_one_side():
    image = slice_of()
    image[lungs_of(image.shape)[1]] = BODY
    found = set(np.unique(region_map(image[None])))
    assert found == {0, 1, 2, 3}


def test_an_image_cropped_to_the_lungs_still_has_a_field():
    image = slice_of((256, 256))[56:200, 44:212]
    labels = region_map(image[None])
    assert (labels > 0).mean() > 0.3
    assert set(np.unique(labels)) == set(range(7))


def test_a_light_frame_and_letters_do_no_harm():
    image = np.full((160, 160), 255, dtype=np.uint8)
    image[12:140, 12:140] = slice_of()
    image[20:26, 20:28] = 255
    labels = region_map(image[None])[12:140, 12:140]
    left, right = lungs_of((128, 128))
    assert overlap(labels > 0, left | right) > 0.85


def test_colour_gives_the_same_field_as_grey():
    image = slice_of()
    assert np.array_equal(region_map(np.stack([image] * 3)), region_map(image[None]))


@pytest.mark.parametrize(
    "image",
    [
        np.full((128, 128), 90, dtype=np.uint8),
        np.broadcast_to(np.arange(128, dtype=np.uint8), (128, 128)),
        slice_of(lungs=False),
    ],
    ids=["uniform", "gradient", "abdomen"],
)
def test_no_lungs_no_field(image):
    assert not region_map(image[None]).any()


def test_stomach_gas_is_no_lung():
    image = slice_of(lungs=False)
    image[oval(image.shape, 0.68, 0.3, 0.24, 0.2)] = AIR
    for x in (0.25, 0.75):
        image[oval(image.shape, x, 0.68, 0.22, 0.2)] = LUNG
    labels = region_map(image[None])
    assert not labels[oval(image.shape, 0.68, 0.3, 0.2, 0.16)].any()
    assert labels[oval(image.shape, 0.75, 0.68, 0.16, 0.14)].all()


@settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.uint8,
        st.tuples(st.just(1), st.integers(1, 40), st.integers(1, 40)),
        elements=st.sampled_from([0, 30, 120, 255]),
    )
)
def test_any_image_gives_a_map_of_its_size(image):
    labels = region_map(image)
    assert labels.shape == image.shape[1:]
    assert labels.max() <= len(REGIONS)


def test_the_ellipse_control_ignores_the_image():
    shape = (1, 96, 128)
    one = region_map(np.zeros(shape, dtype=np.uint8), fields="ellipse")
    two = region_map(slice_of((96, 128))[None], fields="ellipse")
    assert np.array_equal(one, two)
    assert set(np.unique(one)) == set(range(7))
    assert 0.2 < (one > 0).mean() < 0.5


def test_the_grid_control_covers_the_image_with_six_equal_regions():
    labels = region_map(slice_of((96, 128))[None], regions="image_grid")
    assert np.bincount(labels.ravel()).tolist() == [0, *[96 * 128 // 6] * 6]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "least"),
    [("luna16_slices", 0.85), ("covid_ct/Images-processed", 0.95), ("mosmed_slices", 0.95)],
)
def test_most_real_slices_have_a_field_with_two_sides(real_data: Path, folder, least):
    paths = (real_data / folder).rglob("*")
    files = sorted(path for path in paths if path.suffix in (".png", ".jpg"))
    found = []
    for path in islice(files, 0, None, max(len(files) // 100, 1)):
        image = np.asarray(Image.open(path).convert("L").resize((128, 128)))
        labels = region_map(image[None])
        found.append(1 in labels and 4 in labels)
    assert np.mean(found) >= least
