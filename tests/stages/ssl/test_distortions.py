"""Each distortion beside a slow one, and how often it happens."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import comb
from torch import Tensor

from matl.stages.ssl.distortions import (
    CURVE_POINTS,
    MARGIN,
    Draw,
    bend_intensity,
    bezier,
    blocks,
    interpolate,
    paint,
    paste_windows,
    shuffle_windows,
    sometimes,
    window_pixels,
)
from matl.views import WHOLE, Share

DISTORTIONS: dict[str, Callable[[Tensor, Draw], Tensor]] = {
    "shuffle": lambda images, draw: shuffle_windows(images, draw, 0.5),
    "bend": bend_intensity,
    "paint": lambda images, draw: paint(images, draw, 0.5),
    "sometimes": lambda images, draw: sometimes(images, 1 - images, 0.5, draw),
}


def draw(seed: int = 0, share: Share = WHOLE) -> Draw:
    return Draw(torch.Generator().manual_seed(seed), share)


def pictures(count: int, channels: int = 1, height: int = 40, width: int = 60) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.rand(count, channels, height, width, generator=generator)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_a_distortion_is_drawn_for_the_whole_batch_from_its_generator(name: str) -> None:
    images, distort = pictures(6), DISTORTIONS[name]
    before, kept = torch.get_rng_state(), images.clone()
    whole = distort(images, draw())
    parts = [
        distort(part, draw(share=Share(number, 3))) for number, part in enumerate(images.chunk(3))
    ]
    assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(distort(images, draw()), whole)
    assert not torch.equal(distort(images, draw(1)), whole)
    assert torch.equal(images, kept)
    assert torch.equal(torch.get_rng_state(), before)
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_curves_are_those_of_bernstein_polynomials() -> None:
    inner = torch.rand(4, 2, generator=torch.Generator().manual_seed(0))
    t = np.linspace(0, 1, CURVE_POINTS)
    for row, (first, second) in zip(bezier(inner), inner.tolist(), strict=True):
        points = (0, first, second, 1)
        slow = sum(comb(3, k) * t**k * (1 - t) ** (3 - k) * point for k, point in enumerate(points))
        np.testing.assert_allclose(row.numpy(), slow, atol=1e-6)
    line = bezier(torch.tensor([[1 / 3, 2 / 3]]))
    torch.testing.assert_close(line[0], torch.linspace(0, 1, CURVE_POINTS))
    steep = bezier(torch.tensor([[1.0, 0.0]]))
    assert (steep.diff() >= 0).all()


def test_values_are_looked_up_as_numpy_does() -> None:
    generator = np.random.default_rng(0)
    x, y = np.sort(generator.random((3, 20))), generator.random((3, 20))
    x[:, 0], x[:, -1] = 0, 1
    values = generator.random((3, 50))
    values[:, :2] = 0, 1
    found = interpolate(*map(torch.from_numpy, (values, x, y)))
    slow = [np.interp(*row) for row in zip(values, x, y, strict=True)]
    np.testing.assert_allclose(found.numpy(), slow, atol=1e-12)


def test_grey_values_keep_their_order_or_all_turn_it() -> None:
    ramp = torch.linspace(0, 1, 256).expand(400, 1, 1, -1)
    bent = bend_intensity(ramp, draw())[:, 0, 0]
    rises, falls = (bent.diff() >= -1e-6).all(1), (bent.diff() <= 1e-6).all(1)
    assert (rises ^ falls).all()
    assert 0.4 < falls.float().mean() < 0.6
    ends = bent[:, [0, -1]]
    torch.testing.assert_close(ends, torch.stack([falls, rises], dim=1).float())


def test_windows_are_pasted_one_after_the_other() -> None:
    images, sides = (
        pictures(2, channels=2, height=9, width=7),
        torch.tensor([[3, 2], [1, 4], [4, 4]]),
    )
    pixels = window_pixels(sides)
    assert pixels.window.bincount().tolist() == [6, 4, 16]
    generator = torch.Generator().manual_seed(0)
    orders = [torch.randperm(count, generator=generator) for count in (6, 4, 16)]
    corners = torch.tensor([[[0, 0], [1, 1], [2, 2]], [[6, 5], [8, 3], [5, 3]]])
    order = torch.cat([orders[0], 6 + orders[1], 10 + orders[2]])
    slow = images.clone()
    for image, own in enumerate(corners.tolist()):
        for (top, left), (height, width), mixed in zip(own, sides.tolist(), orders, strict=True):
            window = images[image, :, top : top + height, left : left + width].flatten(1)
            pasted = window[:, mixed].view(2, height, width)
            slow[image, :, top : top + height, left : left + width] = pasted
    assert torch.equal(paste_windows(images, pixels, order, corners), slow)


def test_shuffled_pixels_stay_near_and_whole() -> None:
    """Each pixel says where it came from; no window has a side above a tenth of the image's."""
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing="ij")
    images = torch.stack([rows, columns]).expand(4, -1, -1, -1)
    shuffled = shuffle_windows(images, draw(), 1.0)
    moved = (shuffled - images).abs().amax((0, 2, 3))
    assert moved.tolist() == [3, 5]
    assert (shuffled != images).any(1).float().mean() > 0.5
    for row in shuffled:
        assert torch.equal(row, row.round())


def test_small_images_are_shuffled_too() -> None:
    images = pictures(1, height=32, width=32)
    assert not torch.equal(shuffle_windows(images, draw(), 1.0), images)
    assert torch.equal(shuffle_windows(images, draw(), 0.0), images)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_a_distortion_happens_as_often_as_asked(probability: float) -> None:
    images = pictures(500, height=20, width=20)
    for changed in (
        sometimes(images, 1 - images, probability, draw()),
        shuffle_windows(images, draw(), probability),
    ):
        share = (changed != images).flatten(1).any(1).float().mean().item()
        assert share == pytest.approx(probability, abs=0.06)


def test_inner_blocks_have_the_papers_sizes_and_number() -> None:
    images = pictures(3000, height=60, width=90)
    sides = torch.tensor([60, 90])
    found = blocks(images, draw(), sides // 6, sides // 3, certain=0)[:, 0]
    assert not found[:, :MARGIN].any()
    assert not found[:, :, -MARGIN:].any()
    none = (~found.flatten(1).any(1)).float().mean().item()
    assert none == pytest.approx(0.05, abs=0.015)
    one = blocks(images, draw(), sides // 6, sides // 6, certain=5)[:, 0]
    assert int(one.sum((1, 2)).max()) <= 5 * 10 * 15
    assert (one.any(2).sum(1) >= 10).all()
    assert (one.any(1).sum(1) >= 15).all()


def test_a_single_block_is_a_rectangle_of_an_even_size_and_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("matl.stages.ssl.distortions.MOST_BLOCKS", 1)
    images = pictures(2000, height=40, width=60)
    found = blocks(images, draw(), torch.tensor([6, 10]), torch.tensor([9, 20]), certain=1)[:, 0]
    rows, columns = found.any(2), found.any(1)
    assert torch.equal(found, rows[:, :, None] & columns[:, None])
    heights, widths = rows.sum(1), columns.sum(1)
    assert heights.unique().tolist() == [6, 7, 8, 9]
    assert widths.unique().tolist() == list(range(10, 21))
    starts = rows.int().argmax(1)
    assert starts.min() == MARGIN
    assert (starts + heights).max() == 40 - MARGIN


def test_paint_leaves_all_else_as_it_is() -> None:
    images = torch.full((300, 1, 60, 60), 2.0)  # no noise is as bright
    inside, outside = (paint(images, draw(), probability) < 2 for probability in (0.0, 1.0))
    assert not inside[:, :, :MARGIN].any()
    assert outside[:, :, :MARGIN].all()
    assert 0.1 < inside.float().mean() < 0.3
    assert 0.3 < outside.float().mean() < 0.7
    mixed = (paint(images, draw(), 0.8) < 2)[:, 0, 0, 0].float().mean().item()
    assert mixed == pytest.approx(0.8, abs=0.07)
    noise = paint(images, draw(), 1.0)[outside]
    assert noise.mean().item() == pytest.approx(0.5, abs=0.01)
    assert noise.std().item() == pytest.approx(12**-0.5, abs=0.01)
