"""Views: their maps say where everything goes, and all randomness is the generator's."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from still import STILL

from data_modules.fit import FITS
from data_modules.ragged import Ragged
from matl.view_settings import TTA
from matl.views import (
    Fitting,
    Share,
    ViewConfig,
    as_floats,
    evaluation_views,
    low_resolution,
    plain_view,
    random_map,
    random_view,
    resample,
    scan_to_view,
)

WHOLE_SCAN = Fitting((48, 64), "stretch")
SQUARE = Fitting((40, 40), "crop")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scans(batch: int = 4, height: int = 48, width: int = 64, channels: int = 1) -> torch.Tensor:
    shape = (batch, channels, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=seeded(1))


def pixel_centres(size: int) -> torch.Tensor:
    return (2 * torch.arange(size) + 1) / size - 1


def blob(point: torch.Tensor, height: int, width: int, sigma: float = 2.5) -> torch.Tensor:
    x = (pixel_centres(width) - point[0]) * width / 2
    y = (pixel_centres(height) - point[1]) * height / 2
    values = torch.exp(-(y[:, None] ** 2 + x[None] ** 2) / (2 * sigma**2))
    return (255 * values).round().to(torch.uint8)[None, None]


def in_place(images: list[torch.Tensor], spare: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images [1, C, h, w] as a batch of places, which are larger than the largest by `spare`."""
    ragged = Ragged.of([image[0].numpy() for image in images])
    batch = torch.from_numpy(ragged.padded(np.arange(len(images))))
    extent = torch.from_numpy(ragged.shapes[:, 1:])
    return torch.nn.functional.pad(batch, (0, spare, 0, 2 * spare)), extent


SHAPES = st.sampled_from([(96, 96), (80, 120), (120, 80), (200, 90)])


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=SHAPES,
    fitting=st.builds(Fitting, st.sampled_from([(96, 96), (64, 112)]), st.sampled_from(FITS)),
    crop=st.sampled_from([[1.0, 1.0], [0.3, 0.9], [1.0, 1.6]]),
    flip=st.sampled_from([0.0, 1.0]),
    rotate=st.sampled_from([0.0, 15.0, 180.0]),
    at=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
    spare=st.sampled_from([0, 37]),
)
def test_a_marked_point_lands_where_the_map_says(
    seed, shape, fitting, crop, flip, rotate, at, spare
):
    config = replace(STILL, crop=crop, flip=flip, rotate=rotate)
    extent = torch.tensor([shape])
    theta = random_map(extent, fitting, config, seeded(seed))[0]
    point = theta[:, :2] @ torch.tensor(at) + theta[:, 2]
    assume(point.abs().max() < 0.75)
    batch, extent = in_place([blob(point, *shape)], spare)

    view = random_view(batch, config, seeded(seed), fitting, extent)

    image = view.image[0, 0]
    height, width = image.shape
    found_x = (image.sum(0) * pixel_centres(width)).sum() / image.sum()
    found_y = (image.sum(1) * pixel_centres(height)).sum() / image.sum()
    share = extent.flip(1) / torch.tensor(batch.shape[-2:]).flip(0)
    expected = scan_to_view((point * share + share - 1)[None], view.theta)[0, 0]
    assert abs(found_x - expected[0]) * width / 2 < 0.5
    assert abs(found_y - expected[1]) * height / 2 < 0.5
    torch.testing.assert_close(expected, torch.tensor(at), atol=1e-4, rtol=0)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(96, 96), (40, 120)]),
    fit=st.sampled_from(["crop", "pad"]),
    size=st.sampled_from([(64, 64), (48, 80)]),
)
def test_nothing_is_squeezed_where_the_aspect_is_kept(seed, shape, fit, size):
    config = replace(STILL, crop=[0.5, 0.5], rotate=180.0, flip=0.5)
    theta = random_map(torch.tensor([shape] * 8), Fitting(size, fit), config, seeded(seed))
    scan, view = (torch.tensor([side[1] / 2, side[0] / 2]) for side in (shape, size))
    in_pixels = theta[:, :, :2] * scan[:, None] / view  # a turn, and both sides' factors
    ratio = in_pixels.norm(dim=1)
    assert (ratio[:, 0] / ratio[:, 1]).log().abs().max() <= math.log(1.2) + 1e-4
    plain = random_map(torch.tensor([shape]), Fitting(size, fit), STILL, seeded(seed))
    sides = (plain[0, :, :2].diagonal() * scan / view).tolist()
    assert sides[0] == pytest.approx(sides[1])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), shape=st.sampled_from([(96, 96), (40, 120)]))
def test_rotation_keeps_distances_on_images_that_are_not_square(seed, shape):
    fitting = Fitting(shape, "stretch")
    theta = random_map(
        torch.tensor([shape] * 8), fitting, replace(STILL, rotate=180.0), seeded(seed)
    )
    points = torch.rand(8, 5, 2, generator=seeded(seed))
    pixels = torch.tensor([shape[1] / 2, shape[0] / 2])
    before = torch.cdist(points * pixels, points * pixels)
    after = torch.cdist(*[scan_to_view(points, theta) * pixels] * 2)
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), shape=SHAPES, fit=st.sampled_from(["crop", "stretch"]))
def test_a_crop_has_the_area_asked_for_and_stays_on_the_scan(seed, shape, fit):
    fitting, extent = Fitting((96, 64), fit), torch.tensor([shape] * 64)
    theta = random_map(extent, fitting, replace(STILL, crop=[0.3, 0.7]), seeded(seed))
    whole = random_map(extent[:1], fitting, STILL, seeded(seed))[0]
    area = theta[:, 0, 0] * theta[:, 1, 1] / (whole[0, 0] * whole[1, 1])
    assert area.min() >= 0.3 - 1e-5
    assert area.max() <= 0.7 + 1e-5
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    assert (theta @ corners.T).abs().max() <= 1 + 1e-5


def test_a_fitted_view_lies_anywhere_in_training_and_in_the_middle_in_evaluation():
    scan = torch.arange(120, dtype=torch.uint8).expand(1, 1, 60, 120)
    square = Fitting((60, 60), "crop")
    middle = plain_view(scan, square).image[0, 0, 0]
    torch.testing.assert_close(middle * 255, torch.arange(30.0, 90.0), atol=1e-3, rtol=0)
    views = random_view(scan.expand(64, -1, -1, -1), STILL, seeded(0), square)
    first = views.image[:, 0, 0, 0] * 255
    assert first.min() < 5
    assert first.max() > 55


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_an_enlarged_view_has_no_dark_frame(fit):
    """Its width would say how large the image was."""
    scan = torch.full((1, 1, 28, 28), 255, dtype=torch.uint8)
    batch, extent = in_place([scan], spare=9)
    for places, own in ((scan, None), (batch, extent)):
        view = plain_view(places, Fitting((224, 224), fit), own).image
        torch.testing.assert_close(view, torch.ones_like(view))


def test_a_padded_view_shows_the_whole_scan_with_black_around_it():
    scan = torch.full((1, 1, 30, 60), 255, dtype=torch.uint8)
    image = plain_view(scan, Fitting((40, 40), "pad")).image[0, 0]
    assert image[10:30].min() == 1
    assert image[:9].max() == image[31:].max() == 0


def test_the_views_that_are_scored_are_what_tta_asks_for():
    scan = torch.arange(120, dtype=torch.uint8).expand(1, 1, 60, 120)
    square = Fitting((60, 60), "crop")
    rows = {
        tta: [view[0, 0, 0] * 255 for view in evaluation_views(scan, square, tta)] for tta in TTA
    }
    middle = torch.arange(30.0, 90.0)
    expected = {
        "none": [middle],
        "flip": [middle, middle.flip(0)],
        "crops": [torch.arange(60.0), middle, torch.arange(60.0, 120.0)],
    }
    torch.testing.assert_close(rows, expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_a_view_does_not_depend_on_the_other_images_of_the_batch(fit):
    images = [scans(1, *shape) for shape in ((48, 64), (90, 50), (40, 41))]
    fitting = Fitting((32, 32), fit)
    batch, extent = in_place(images, spare=11)
    together = plain_view(batch, fitting, extent).image
    drawn = random_view(batch, ViewConfig(), seeded(5), fitting, extent).image
    other, small = in_place(images)
    torch.testing.assert_close(
        random_view(other, ViewConfig(), seeded(5), fitting, small).image, drawn, atol=1e-4, rtol=0
    )
    for image, seen in zip(images, together, strict=True):
        torch.testing.assert_close(plain_view(image, fitting).image[0], seen, atol=1e-4, rtol=0)


def test_low_resolution_takes_detail_and_leaves_the_rest():
    images = as_floats(scans(64, 32, 32))
    always = low_resolution(images, replace(STILL, low_resolution=1.0), seeded(0))
    some = low_resolution(images, replace(STILL, low_resolution=0.5), seeded(0))
    detail = images.diff(dim=-1).abs().mean((1, 2, 3))
    left = always.diff(dim=-1).abs().mean((1, 2, 3)) / detail
    assert left.max() <= 1
    assert left.mean() < 0.5
    torch.testing.assert_close(always.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=0.02, rtol=0)
    untouched = sum(torch.equal(a, b) for a, b in zip(some, images, strict=True))
    assert 20 < untouched < 44
    halves = [
        low_resolution(part, replace(STILL, low_resolution=0.5), seeded(0), Share(number, 2))
        for number, part in enumerate(images.chunk(2))
    ]
    assert torch.equal(torch.cat(halves), some)


def test_without_any_strength_a_view_is_the_image():
    images = scans()
    view = random_view(images, STILL, seeded(0), WHOLE_SCAN)
    torch.testing.assert_close(view.image, as_floats(images), atol=1e-5, rtol=0)


def test_a_sure_flip_mirrors_every_image():
    images = scans()
    view = random_view(images, replace(STILL, flip=1.0), seeded(0), WHOLE_SCAN)
    torch.testing.assert_close(view.image, as_floats(images).flip(-1), atol=1e-5, rtol=0)


def test_outside_of_the_scan_a_view_is_black():
    images = torch.full((2, 1, 32, 32), 255, dtype=torch.uint8)
    fitting = Fitting((32, 32), "crop")
    view = random_view(images, replace(STILL, crop=[4.0, 4.0]), seeded(0), fitting)
    assert view.image.mean().item() == pytest.approx(0.25, abs=0.03)


def test_images_that_were_scaled_already_are_refused():
    with pytest.raises(ValueError, match="must be uint8 in 0 to 255"):
        plain_view(scans().float() / 255, WHOLE_SCAN)


def test_views_depend_on_the_generator_only():
    images, config = scans(), ViewConfig()
    first = random_view(images, config, seeded(3), SQUARE)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    again = random_view(images, config, seeded(3), SQUARE)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.theta, again.theta)
    assert not torch.equal(first.theta, random_view(images, config, seeded(4), SQUARE).theta)


def test_each_image_gets_its_own_view():
    images = scans(1).expand(6, -1, -1, -1)
    view = random_view(images, ViewConfig(), seeded(0), SQUARE)
    assert len({tuple(theta.flatten().tolist()) for theta in view.theta}) == 6
    assert len({round(image.mean().item(), 6) for image in view.image}) == 6


@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_has_float_values_between_0_and_1_and_the_size_asked_for(channels):
    config = ViewConfig(brightness=0.5, contrast=0.9, gamma=1.0, noise=0.3)
    view = random_view(scans(channels=channels), config, seeded(0), Fitting((40, 24), "crop"))
    assert view.image.shape == (4, channels, 40, 24)
    assert view.image.dtype == view.theta.dtype == torch.float32
    assert 0 <= view.image.min() < view.image.max() <= 1


STRENGTHS = ["brightness", "contrast", "gamma", "noise", "low_resolution"]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_each_intensity_changes_grey_values_and_no_place(strength):
    images = scans()
    view = random_view(images, replace(STILL, **{strength: 0.5}), seeded(0), WHOLE_SCAN)
    assert torch.equal(view.theta, random_view(images, STILL, seeded(0), WHOLE_SCAN).theta)
    assert (view.image - as_floats(images)).abs().mean() > 0.01


def test_mixed_precision_leaves_geometry_exact():
    images, config = scans(), ViewConfig()
    exact = random_view(images, config, seeded(0), SQUARE)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = random_view(images, config, seeded(0), SQUARE)
    assert torch.equal(exact.image, mixed.image)


def test_nearest_resampling_keeps_labels():
    labels = torch.randint(0, 7, (4, 1, 48, 64), dtype=torch.uint8)
    theta = random_view(labels, ViewConfig(), seeded(0), SQUARE).theta
    assert set(resample(labels, theta, mode="nearest").unique().tolist()) <= set(range(7))


def test_the_settings_bind_from_yaml():
    bound = OmegaConf.merge(OmegaConf.structured(ViewConfig), {"crop": [0.2, 0.8], "noise": 0})
    assert OmegaConf.to_object(bound) == ViewConfig(crop=[0.2, 0.8], noise=0.0)


def test_the_parts_of_a_batch_are_seen_as_the_whole_is():
    images, config = scans(batch=4), ViewConfig(noise=0.1)
    whole = random_view(images, config, seeded(0), SQUARE)
    parts = [
        random_view(part, config, seeded(0), SQUARE, share=Share(number, 2))
        for number, part in enumerate(images.chunk(2))
    ]
    assert torch.equal(torch.cat([part.theta for part in parts]), whole.theta)
    assert torch.equal(torch.cat([part.image for part in parts]), whole.image)
