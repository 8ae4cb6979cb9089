"""How an exported graph makes views of whole images: as matl reads them, and then looks at them.

matl stores an image in `stored_size` by Pillow's bilinear filter, in 8 bits, and looks at it
through the map of its evaluation view. Both work along one axis after the other, so the filter is
two products with matrices here, whose sizes do not depend on the stored size: only those stored
pixels are made that the view asks for. Pillow's arithmetic (`Resample.c` of
https://github.com/python-pillow/Pillow: weights of 22 bits, along the rows first, each pass rounded
to 8 bits) is followed to the bit, in float64, but for one thing: from version 13 Pillow works along
the columns first where an image gets much lower than it gets narrower, which happens under
`stretch` alone, and changes some pixels by one grey level.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from data_modules.fit import SPARE
from matl.views import EDGE, Fitting

WEIGHT_UNITS = 2.0**22
"""Pillow's weights are multiples of 1 / this."""
SHIFTS = {"none": (0.0,), "flip": (0.0,), "crops": (-1.0, 0.0, 1.0)}
"""Where the windows of each kind of test-time views lie along an image; see `plain_map`."""


class Axis(NamedTuple):
    """How the places of a view, n along one axis, follow from the pixels of an image.

    Attributes:
        weights: float64 [2 n, pixels], of the stored pixels before each place, then behind it.
        behind: float32 [n], the share of the latter.
        inside: bool [n], whether the place is on the image.
    """

    weights: Tensor
    behind: Tensor
    inside: Tensor


class Fit(nn.Module):
    """The evaluation views of a batch of images of one size.

    Args:
        fitting: The views' size, and how an image fits it.
        tta: Which views; see `matl.views.evaluation_views`.
    """

    def __init__(self, fitting: Fitting, tta: str) -> None:
        super().__init__()
        self.fitting = fitting
        self.tta = tta

    def forward(self, images: Tensor) -> list[Tensor]:
        """The views, float32 [B, C, h, w] in [0, 1] each.

        Args:
            images: float [B, C, H, W] in 0 to 255; fractions are rounded as 8 bits keep them.
        """
        views = [self._view(images, shift) for shift in SHIFTS[self.tta]]
        return [*views, views[0].flip(-1)] if self.tta == "flip" else views

    def _view(self, images: Tensor, shift: float) -> Tensor:
        own = torch.stack([_as_tensor(side, images) for side in images.shape[-2:]])
        size = torch.tensor(self.fitting.size, dtype=torch.float64, device=images.device)
        stored = _stored(own, size, self.fitting.fit)
        window = _window(stored.float(), size.float(), self.fitting.fit)
        y, x = (
            _axis(images, axis, stored[axis], window[axis], shift, self.fitting.size[axis])
            for axis in (0, 1)
        )
        pixels = _eight_bit(images.double() @ x.weights.T)
        pixels = _eight_bit(y.weights @ pixels).float() / 255
        above, below = pixels.chunk(2, dim=-2)
        rows = torch.lerp(above, below, y.behind[:, None])
        left, right = rows.chunk(2, dim=-1)
        return torch.lerp(left, right, x.behind) * (y.inside[:, None] & x.inside)


def _as_tensor(length: int, like: Tensor) -> Tensor:
    return torch.full((), length, dtype=torch.float64, device=like.device)


def _stored(own: Tensor, size: Tensor, fit: str) -> Tensor:
    """`data_modules.fit.stored_size` of tensors: height and width in pixels, float64 [2]."""
    if fit == "stretch":
        return size
    factors = size / own
    scale = factors.amin(0) if fit == "pad" else factors.amax(0)
    return torch.clamp(torch.round(own * torch.clamp(SPARE * scale, max=1.0)), min=1.0)


def _window(stored: Tensor, size: Tensor, fit: str) -> Tensor:
    """Height and width of the view as shares of the image's own, as `plain_map` has them."""
    if fit == "stretch":
        return torch.ones_like(size)
    factors = size / stored
    return factors / (factors.amin(0) if fit == "pad" else factors.amax(0))


def _axis(
    images: Tensor, axis: int, stored: Tensor, window: Tensor, shift: float, places: int
) -> Axis:
    """One axis of a view: 0 for its rows, 1 for its columns."""
    pixels = images.shape[-2:][axis]
    length = stored.float()
    steps = torch.arange(places, dtype=torch.float32, device=images.device)
    seen = window * ((2 * steps + 1) / places - 1) + shift * (1 - window)
    inside = seen.abs() <= 1 + EDGE
    edge = 1 - 1 / length
    place = ((torch.minimum(torch.maximum(seen, -edge), edge) + 1) * length - 1) / 2
    before = torch.clamp(torch.floor(place), min=0.0)  # the first pixel's place may round below 0
    behind = torch.minimum(before + 1, length - 1)
    taken = torch.cat([before, behind]).double()
    own = torch.arange(pixels, dtype=torch.float64, device=images.device)
    return Axis(_filter(own, stored, taken, pixels), place - before, inside)


def _filter(own: Tensor, stored: Tensor, taken: Tensor, pixels: int) -> Tensor:
    """Pillow's weights of an image's pixels in some of the stored ones, float64 [taken, pixels]."""
    scale = _as_tensor(pixels, own) / stored
    centre = (taken + 0.5) * scale
    distance = (own - centre[:, None] + 0.5).abs() * (1 / torch.clamp(scale, min=1.0))
    weights = torch.clamp(1 - distance, min=0.0)
    weights = weights / weights.sum(1, keepdim=True)
    return torch.floor(weights * WEIGHT_UNITS + 0.5) / WEIGHT_UNITS


def _eight_bit(values: Tensor) -> Tensor:
    return torch.clamp(torch.floor(values + 0.5), 0, 255)
