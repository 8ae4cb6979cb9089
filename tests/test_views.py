"""Views: their maps say where everything goes, and all randomness is the generator's."""

from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from matl.views import (
    Share,
    ViewConfig,
    plain_view,
    random_map,
    random_view,
    resample,
    scan_to_view,
)

STILL = ViewConfig(
    crop=[1.0, 1.0], flip=0.0, rotate=0.0, brightness=0.0, contrast=0.0, gamma=0.0, noise=0.0
)


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


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(96, 96), (80, 120), (120, 80)]),
    size=st.sampled_from([None, (96, 96), (64, 112)]),
    crop=st.sampled_from([[1.0, 1.0], [0.3, 0.9], [1.0, 1.6]]),
    flip=st.sampled_from([0.0, 1.0]),
    rotate=st.sampled_from([0.0, 15.0, 180.0]),
    at=st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6)),
)
def test_a_marked_point_lands_where_the_map_says(seed, shape, size, crop, flip, rotate, at):
    config = replace(STILL, crop=crop, flip=flip, rotate=rotate)
    theta = random_map((1, 1, *shape), config, seeded(seed))[0]
    point = theta[:, :2] @ torch.tensor(at) + theta[:, 2]
    assume(point.abs().max() < 0.75)

    view = random_view(blob(point, *shape), config, seeded(seed), size)

    image = view.image[0, 0]
    height, width = image.shape
    found_x = (image.sum(0) * pixel_centres(width)).sum() / image.sum()
    found_y = (image.sum(1) * pixel_centres(height)).sum() / image.sum()
    expected = scan_to_view(point[None, None], view.theta)[0, 0]
    assert abs(found_x - expected[0]) * width / 2 < 0.5
    assert abs(found_y - expected[1]) * height / 2 < 0.5
    torch.testing.assert_close(expected, torch.tensor(at), atol=1e-4, rtol=0)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), shape=st.sampled_from([(96, 96), (40, 120)]))
def test_rotation_keeps_distances_on_images_that_are_not_square(seed, shape):
    theta = random_map((8, 1, *shape), replace(STILL, rotate=180.0), seeded(seed))
    points = torch.rand(8, 5, 2, generator=seeded(seed))
    pixels = torch.tensor([shape[1] / 2, shape[0] / 2])
    before = torch.cdist(points * pixels, points * pixels)
    after = torch.cdist(*[scan_to_view(points, theta) * pixels] * 2)
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_crop_has_the_area_asked_for_and_stays_on_the_scan(seed):
    theta = random_map((64, 1, 96, 64), replace(STILL, crop=[0.3, 0.7]), seeded(seed))
    area = theta[:, 0, 0] * theta[:, 1, 1]
    assert area.min() >= 0.3 - 1e-5
    assert area.max() <= 0.7 + 1e-5
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    assert (theta @ corners.T).abs().max() <= 1 + 1e-5


def test_without_any_strength_a_view_is_the_image():
    images = scans()
    view = random_view(images, STILL, seeded(0))
    torch.testing.assert_close(view.image, plain_view(images), atol=1e-5, rtol=0)


def test_a_sure_flip_mirrors_every_image():
    images = scans()
    view = random_view(images, replace(STILL, flip=1.0), seeded(0))
    torch.testing.assert_close(view.image, plain_view(images).flip(-1), atol=1e-5, rtol=0)


def test_outside_of_the_scan_a_view_is_black():
    images = torch.full((2, 1, 32, 32), 255, dtype=torch.uint8)
    view = random_view(images, replace(STILL, crop=[4.0, 4.0]), seeded(0))
    assert view.image.mean().item() == pytest.approx(0.25, abs=0.01)


def test_images_that_were_scaled_already_are_refused():
    with pytest.raises(ValueError, match="must be uint8 in 0 to 255"):
        plain_view(scans().float() / 255)


def test_views_depend_on_the_generator_only():
    images, config = scans(), ViewConfig()
    first = random_view(images, config, seeded(3))
    torch.manual_seed(99)
    state = torch.get_rng_state()
    again = random_view(images, config, seeded(3))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.theta, again.theta)
    assert not torch.equal(first.theta, random_view(images, config, seeded(4)).theta)


def test_each_image_gets_its_own_view():
    images = scans(1).expand(6, -1, -1, -1)
    view = random_view(images, ViewConfig(), seeded(0))
    assert len({tuple(theta.flatten().tolist()) for theta in view.theta}) == 6
    assert len({round(image.mean().item(), 6) for image in view.image}) == 6


@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_has_float_values_between_0_and_1_and_the_size_asked_for(channels):
    config = ViewConfig(brightness=0.5, contrast=0.9, gamma=1.0, noise=0.3)
    view = random_view(scans(channels=channels), config, seeded(0), (40, 24))
    assert view.image.shape == (4, channels, 40, 24)
    assert view.image.dtype == view.theta.dtype == torch.float32
    assert 0 <= view.image.min() < view.image.max() <= 1


@pytest.mark.parametrize("strength", ["brightness", "contrast", "gamma", "noise"])
def test_each_intensity_changes_grey_values_and_no_place(strength):
    images = scans()
    view = random_view(images, replace(STILL, **{strength: 0.5}), seeded(0))
    assert torch.equal(view.theta, random_view(images, STILL, seeded(0)).theta)
    assert (view.image - plain_view(images)).abs().mean() > 0.01


def test_mixed_precision_leaves_geometry_exact():
    images, config = scans(), ViewConfig()
    exact = random_view(images, config, seeded(0))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = random_view(images, config, seeded(0))
    assert torch.equal(exact.image, mixed.image)


def test_nearest_resampling_keeps_labels():
    labels = torch.randint(0, 7, (4, 1, 48, 64), dtype=torch.uint8)
    theta = random_map(labels.shape, ViewConfig(), seeded(0))
    assert set(resample(labels, theta, mode="nearest").unique().tolist()) <= set(range(7))


def test_the_settings_bind_from_yaml():
    bound = OmegaConf.merge(OmegaConf.structured(ViewConfig), {"crop": [0.2, 0.8], "noise": 0})
    assert OmegaConf.to_object(bound) == ViewConfig(crop=[0.2, 0.8], noise=0.0)


def test_the_parts_of_a_batch_are_seen_as_the_whole_is():
    images, config = scans(batch=4), ViewConfig(noise=0.1)
    whole = random_view(images, config, seeded(0))
    parts = [
        random_view(part, config, seeded(0), share=Share(number, 2))
        for number, part in enumerate(images.chunk(2))
    ]
    assert torch.equal(torch.cat([part.theta for part in parts]), whole.theta)
    assert torch.equal(torch.cat([part.image for part in parts]), whole.image)
