"""The distortions of Models Genesis (https://arxiv.org/abs/2004.07882), on batches of images.

Sizes, places and counts are those of the authors' published code, with two axes for three. MONAI's
transforms of this kind take one image at a time and draw from NumPy. Each distortion here takes
images, float32 [B, C, H, W] in [0, 1] on any device, and returns new ones.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from matl.views import Share

CURVE_POINTS = 1001
WINDOWS = 1000
"""Windows whose pixels are shuffled; no side is longer than a tenth of the image's."""

MOST_BLOCKS, ONE_MORE = 5, 0.95
"""Blocks of a painting at most, and the probability of each next one."""

MARGIN = 3
"""Pixels between a block and the image's edge at least."""


@dataclass(frozen=True)
class Draw:
    """Where randomness comes from: draws are for the whole batch, and a process takes its share.

    Attributes:
        generator: On the CPU.
        share: The part of the batch that the images are.
    """

    generator: torch.Generator
    share: Share

    def uniform(self, images: Tensor, *shape: int) -> Tensor:
        """Draws in [0, 1) for each image, [B, *shape], on the images' device."""
        whole = len(images) * self.share.parts
        drawn = torch.rand(whole, *shape, generator=self.generator)
        return self.share.of(drawn).to(images.device)

    def noise(self, images: Tensor) -> Tensor:
        """Draws in [0, 1) for each pixel, made on the images' device."""
        seed = int(torch.randint(2**62, (), generator=self.generator))
        own = torch.Generator(images.device).manual_seed(seed)
        whole = images.new_empty(len(images) * self.share.parts, *images.shape[1:])
        return self.share.of(whole.uniform_(generator=own))


def distort(
    images: Tensor,
    draw: Draw,
    shuffle: float,
    bend: float,
    painted: float,
    outside: float,
) -> Tensor:
    """Applies each distortion or not.

    Args:
        images: What is distorted.
        draw: Where randomness comes from.
        shuffle: Probability that the pixels of small windows are shuffled.
        bend: Probability that grey values are mapped by a random curve.
        painted: Probability that a part is painted over.
        outside: Probability that this part is what lies outside of some blocks, not inside.
    """
    shuffled = shuffle_windows(images, draw, shuffle)
    bent = sometimes(shuffled, bend_intensity(shuffled, draw), bend, draw)
    return sometimes(bent, paint(bent, draw, outside), painted, draw)


def sometimes(images: Tensor, distorted: Tensor, probability: float, draw: Draw) -> Tensor:
    """The distorted images, each with a probability, else the images."""
    return torch.where(draw.uniform(images, 1, 1, 1) < probability, distorted, images)


def bend_intensity(images: Tensor, draw: Draw) -> Tensor:
    """Maps grey values by a random monotone Bezier curve from (0, 0) to (1, 1).

    Its two inner control points lie anywhere in the unit square. Every second curve on average is
    mirrored, and falls from (0, 1) to (1, 0).
    """
    controls = draw.uniform(images, 5)
    x, y = bezier(controls[:, :2]), bezier(controls[:, 2:4])
    y = torch.where(controls[:, 4:] < 0.5, y.flip(1), y)
    return interpolate(images.flatten(1), x, y).view_as(images)


def bezier(inner: Tensor) -> Tensor:
    """One coordinate of cubic Bezier curves from 0 to 1, [B, CURVE_POINTS], which never falls.

    Args:
        inner: The coordinate of the two inner control points, [B, 2] in [0, 1].
    """
    t = torch.linspace(0, 1, CURVE_POINTS, device=inner.device)
    first, second = inner[:, :1], inner[:, 1:]
    curve = 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3
    return curve.cummax(dim=1).values  # falls by rounding alone


def interpolate(values: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Looks up values [B, N] in a piecewise linear curve each, through (x, y), [B, P], x rising."""
    right = torch.searchsorted(x.contiguous(), values.contiguous()).clamp(1, x.shape[1] - 1)
    left = right - 1
    x0, x1, y0, y1 = x.gather(1, left), x.gather(1, right), y.gather(1, left), y.gather(1, right)
    along = (values - x0) / (x1 - x0).clamp(min=torch.finfo(x.dtype).tiny)
    return torch.lerp(y0, y1, along.clamp(0, 1))


def shuffle_windows(images: Tensor, draw: Draw, probability: float) -> Tensor:
    """Shuffles the pixels in each of many small windows; where windows overlap, the last is seen.

    The windows' sizes and shuffles are shared by the batch, their places are each image's own.

    Args:
        images: [B, C, H, W].
        draw: The randomness.
        probability: That it is done to an image.
    """
    height, width = images.shape[2:]
    longest = torch.tensor([max(height // 10, 1), max(width // 10, 1)])
    sides = 1 + (torch.rand(WINDOWS, 2, generator=draw.generator) * longest).long()
    pixels = window_pixels(sides)
    key = torch.rand(len(pixels.window), dtype=torch.float64, generator=draw.generator)
    order = (pixels.window + key).argsort()
    free = torch.tensor([height, width]) - sides + 1
    corners = (draw.uniform(images, WINDOWS, 2) * free.to(images.device)).long()
    chosen = (draw.uniform(images) < probability).nonzero().squeeze(1)
    pasted = paste_windows(images[chosen], pixels, order, corners[chosen])
    return images.index_copy(0, chosen, pasted)


class WindowPixels(NamedTuple):
    """The pixels of windows one after the other, row by row.

    Attributes:
        window: The window of each, int64 [P].
        place: Its row and column there, int64 [P, 2].
    """

    window: Tensor
    place: Tensor


def window_pixels(sides: Tensor) -> WindowPixels:
    """The pixels of windows of these heights and widths, int64 [N, 2]."""
    areas = sides.prod(dim=1)
    window = torch.arange(len(sides)).repeat_interleave(areas)
    within = torch.arange(len(window)) - (areas.cumsum(0) - areas)[window]
    width = sides[window, 1]
    return WindowPixels(window, torch.stack([within // width, within % width], dim=1))


def paste_windows(images: Tensor, pixels: WindowPixels, order: Tensor, corners: Tensor) -> Tensor:
    """Pastes windows of each image over it, one after the other, with their pixels in new order.

    Args:
        images: [B, C, H, W].
        pixels: Those of all windows.
        order: The pixel that each is replaced by, int64 [P], of the same window.
        corners: The windows' upper left corners in each image, int64 [B, N, 2].
    """
    height, width = images.shape[2:]
    window, place, order = (part.to(images.device) for part in (*pixels, order))
    places = corners[:, window] + place  # [B, P, 2]
    target = places[..., 0] * width + places[..., 1]
    entry = torch.arange(len(window), device=images.device).expand_as(target)
    none = target.new_full((len(images), height * width), -1)
    last = none.scatter_reduce(1, target, entry, "amax")
    own = torch.arange(height * width, device=images.device)
    source = torch.where(last < 0, own, target[:, order].gather(1, last.clamp(min=0)))
    source = source[:, None].expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, source).view_as(images)


def paint(images: Tensor, draw: Draw, outside: float) -> Tensor:
    """Paints over images with noise: inside of some blocks, or outside of some.

    Blocks inside have a sixth to a third of the image's sides, and there may be none; those that
    are left where all else is painted over have about half of its sides, and there is one or more.

    Args:
        images: [B, C, H, W].
        draw: The randomness.
        outside: The probability that it is done outside.
    """
    sides = torch.tensor(images.shape[2:])
    inner = blocks(images, draw, sides // 6, sides // 3, certain=0)
    kept = blocks(images, draw, sides - 4 * sides // 7, sides - 3 * sides // 7, certain=1)
    hidden = torch.where(draw.uniform(images, 1, 1, 1) < outside, ~kept, inner)
    return torch.where(hidden, draw.noise(images), images)


def blocks(images: Tensor, draw: Draw, least: Tensor, most: Tensor, certain: int) -> Tensor:
    """Where random blocks lie, up to `MOST_BLOCKS` for each image: bool [B, 1, H, W].

    Args:
        images: [B, C, H, W].
        draw: The randomness.
        least: The shortest height and width, int64 [2] on the CPU.
        most: The longest.
        certain: Blocks that there are at least.
    """
    device, (height, width) = images.device, images.shape[2:]
    more = draw.uniform(images, MOST_BLOCKS) < ONE_MORE
    more[:, :certain] = True
    there = more.cumprod(dim=1).bool()
    drawn = draw.uniform(images, 2, MOST_BLOCKS, 2)
    lengths = least.to(device) + (drawn[:, 0] * (most - least + 1).to(device)).long()
    free = torch.tensor([height, width], device=device) - lengths - 2 * MARGIN + 1
    starts = MARGIN + (drawn[:, 1] * free).long()  # [B, blocks, 2]
    rows = _between(starts[..., 0], lengths[..., 0], height)
    columns = _between(starts[..., 1], lengths[..., 1], width)
    block = rows[..., None] & columns[:, :, None] & there[..., None, None]
    return block.any(dim=1, keepdim=True)


def _between(starts: Tensor, lengths: Tensor, side: int) -> Tensor:
    """Which places of a side lie in each interval: bool [B, blocks, side]."""
    places = torch.arange(side, device=starts.device)
    return (places >= starts[..., None]) & (places < (starts + lengths)[..., None])
