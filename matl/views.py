"""Random views of a batch, made on the batch's device by one resampling per view.

Crop, flip, rotation and zoom are one affine map, so geometry is never lost: what is marked on a
scan can be found in each of its views. A map `theta`, float32 [B, 2, 3], takes normalised
coordinates (x, y) of the view (the output) to those of the scan's place in the batch (the input),
in the convention of `torch.nn.functional.affine_grid` with `align_corners=False`: -1 and 1 are the
outer edges of the first and the last pixel. A scan that is smaller than its place lies in the upper
left corner, and its `extent`, [height, width], says how far it reaches: no view depends on how
large the place is. Outside of the scan a view is black, as air is in CT.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from matl.view_settings import VERSION as VERSION
from matl.view_settings import ViewConfig

LONGEST_ASPECT = 1.2
COARSEST = 0.5
EDGE = 1e-5  # of rounding, where a place lies on an edge


class Fitting(NamedTuple):
    """What a stage looks at.

    Attributes:
        size: height and width in pixels.
        fit: how an image fits it, one of `data_modules.fit.FITS`.
    """

    size: tuple[int, int]
    fit: str


class View(NamedTuple):
    """A batch of views.

    Attributes:
        image: float32 [B, C, h, w] in [0, 1].
        theta: float32 [B, 2, 3], the map from each view to its scan's place.
    """

    image: Tensor
    theta: Tensor


class Share(NamedTuple):
    """Which part of a batch this is: views are drawn for the whole, so that none depends on it.

    Attributes:
        number: of this part, from 0.
        parts: how many equal parts the batch has.
    """

    number: int = 0
    parts: int = 1

    def of(self, drawn: Tensor) -> Tensor:
        """This part of what was drawn for the whole batch."""
        return drawn.chunk(self.parts)[self.number] if self.parts > 1 else drawn


WHOLE = Share()


def random_view(
    images: Tensor,
    config: ViewConfig,
    generator: torch.Generator,
    fitting: Fitting,
    extent: Tensor | None = None,
    share: Share = WHOLE,
) -> View:
    """Draw one random view of each image.

    Args:
        images: uint8 [B, C, H, W].
        config: how strongly views differ.
        generator: on the CPU; all randomness comes from it, whatever the images' device.
        fitting: the views' size, and how an image fits it.
        extent: int [B, 2], height and width of each image; by default it fills its place.
        share: the part of the batch that the images are.
    """
    extent = whole_places(images) if extent is None else extent
    theta = random_map(extent, fitting, config, generator, share)
    theta = to_place(theta, extent, images.shape[-2:])
    view = resample(as_floats(images), theta, fitting.size, extent=extent)
    view = low_resolution(view, config, generator, share)
    return View(intensity(view, config, generator, share), theta)


def plain_view(images: Tensor, fitting: Fitting, extent: Tensor | None = None) -> View:
    """The views of evaluation: all of each image, or its middle, as `fitting` says.

    Args:
        images: uint8 [B, C, H, W].
        fitting: the view's size, and how an image fits it.
        extent: as in `random_view`.
    """
    extent = whole_places(images) if extent is None else extent
    theta = to_place(plain_map(extent, fitting), extent, images.shape[-2:])
    if fitting.fit == "stretch":  # the images were stretched to the size when they were decoded
        return View(as_floats(images), theta)
    return View(resample(as_floats(images), theta, fitting.size, extent=extent), theta)


def as_floats(images: Tensor) -> Tensor:
    """uint8 [B, C, H, W] -> float32 in [0, 1].

    Raises:
        ValueError: The images are not uint8, such as floats that were divided by 255 already.
    """
    if images.dtype != torch.uint8:
        raise ValueError(f"images must be uint8 in 0 to 255, not {images.dtype}")
    return images.float() / 255


def whole_places(images: Tensor) -> Tensor:
    """The extents of images that fill their places in a batch, int64 [B, 2]."""
    return torch.tensor(images.shape[-2:], device=images.device).expand(len(images), 2)


def evaluation_views(
    images: Tensor, fitting: Fitting, tta: str, extent: Tensor | None = None
) -> Iterator[Tensor]:
    """The views whose scores are averaged, float32 [B, C, h, w] in [0, 1] each.

    Args:
        images: uint8 [B, C, H, W].
        fitting: the views' size, and how an image fits it.
        tta: `none` gives the plain view; `flip` also its mirror image; `crops` three windows along
            each image, from end to end.
        extent: as in `random_view`.
    """
    if tta == "crops":
        extent = whole_places(images) if extent is None else extent
        for shift in (-1.0, 0.0, 1.0):
            theta = to_place(plain_map(extent, fitting, shift), extent, images.shape[-2:])
            yield resample(as_floats(images), theta, fitting.size, extent=extent)
        return
    plain = plain_view(images, fitting, extent).image
    yield plain
    if tta == "flip":
        yield plain.flip(-1)


def plain_map(extent: Tensor, fitting: Fitting, shift: float = 0.0) -> Tensor:
    """The maps from plain views to images with these heights and widths: float32 [B, 2, 3].

    Args:
        extent: int [B, 2].
        fitting: as in `plain_view`.
        shift: Where the window lies along the image, from -1 at its start to 1 at its end.
    """
    scale_x, scale_y = _window(extent, fitting)
    zero = torch.zeros_like(scale_x)
    rows = ((scale_x, zero, shift * (1 - scale_x)), (zero, scale_y, shift * (1 - scale_y)))
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def _window(extent: Tensor, fitting: Fitting) -> tuple[Tensor, Tensor]:
    """Width and height of the fitted window as shares of each image's own: float32 [B] each."""
    if fitting.fit == "stretch":
        one = torch.ones(len(extent), device=extent.device)
        return one, one
    factors = torch.tensor(fitting.size, device=extent.device) / extent.float()
    over = factors.amin(1) if fitting.fit == "pad" else factors.amax(1)
    y, x = (factors / over[:, None]).unbind(1)
    return x, y


def random_map(
    extent: Tensor,
    fitting: Fitting,
    config: ViewConfig,
    generator: torch.Generator,
    share: Share = WHOLE,
) -> Tensor:
    """Draw maps from views to images with these heights and widths: float32 [B, 2, 3]."""
    drawn = share.of(torch.rand(len(extent) * share.parts, 6, generator=generator))
    draws = drawn.to(extent.device).unbind(1)
    least, largest = config.crop
    area = least + (largest - least) * draws[0]
    narrowest = 1 / LONGEST_ASPECT
    fits = torch.minimum(area, 1 / area).clamp(min=narrowest)
    aspect = torch.exp(_symmetric(draws[1]) * -torch.log(fits))
    window_x, window_y = _window(extent, fitting)
    scale_x, scale_y = (area * aspect).sqrt() * window_x, (area / aspect).sqrt() * window_y
    centre_x = _symmetric(draws[2]) * (1 - scale_x).abs()
    centre_y = _symmetric(draws[3]) * (1 - scale_y).abs()
    mirror = torch.where(draws[4] < config.flip, -1.0, 1.0)
    angle = torch.deg2rad(_symmetric(draws[5]) * config.rotate)
    cos, sin = angle.cos(), angle.sin()
    height, width = extent.float().unbind(1)
    rows = (
        (cos * scale_x * mirror, -sin * scale_y * (height / width), centre_x),
        (sin * scale_x * mirror * (width / height), cos * scale_y, centre_y),
    )
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def to_place(theta: Tensor, extent: Tensor, place: Sequence[int]) -> Tensor:
    """Maps to images that lie in the upper left corner of a larger place, as maps to the place."""
    share = extent.flip(1) / torch.tensor(place, device=extent.device).flip(0)
    return theta * share[:, :, None] + F.pad((share - 1)[:, :, None], (2, 0))


def resample(
    images: Tensor,
    theta: Tensor,
    size: tuple[int, int] | None = None,
    mode: str = "bilinear",
    extent: Tensor | None = None,
) -> Tensor:
    """Look at images through maps: float [B, C, H, W] -> float32 [B, C, h, w], 0 outside.

    With the images' `extent`, int [B, 2], their edges are as bright as their outermost pixels;
    without, they fade to 0 within half a pixel, which in an enlarged image is a dark frame.
    """
    shape = [*images.shape[:2], *(size or images.shape[-2:])]
    with torch.autocast(images.device.type, enabled=False):
        grid = F.affine_grid(theta.float(), shape, align_corners=False)
        if extent is None:
            return F.grid_sample(images.float(), grid, mode, "zeros", align_corners=False)
        place = torch.tensor(images.shape[-2:], device=images.device).flip(0)
        edge = (2 * extent.flip(1) / place - 1)[:, None, None]
        inside = ((grid >= -1 - EDGE) & (grid <= edge + EDGE)).all(-1)[:, None]
        grid = torch.minimum(torch.clamp(grid, min=-1 + 1 / place), edge - 1 / place)
        return inside * F.grid_sample(images.float(), grid, mode, "zeros", align_corners=False)


def scan_to_view(points: Tensor, theta: Tensor) -> Tensor:
    """Find points of the scans in their views.

    Args:
        points: float [B, P, 2], normalised (x, y) on the scan.
        theta: float32 [B, 2, 3].

    Returns:
        float32 [B, P, 2], normalised (x, y) in the view; beyond [-1, 1] where not visible.
    """
    a, b, x0, c, d, y0 = theta.reshape(-1, 6, 1).unbind(1)
    x, y = points[..., 0] - x0, points[..., 1] - y0
    return torch.stack((d * x - b * y, a * y - c * x), dim=-1) / (a * d - b * c)[..., None]


def intensity(
    images: Tensor, config: ViewConfig, generator: torch.Generator, share: Share = WHOLE
) -> Tensor:
    """Change contrast, brightness and gamma, and add noise; float32 [B, C, H, W] in [0, 1]."""
    whole = len(images) * share.parts
    draws = share.of(torch.rand(whole, 4, generator=generator)).to(images.device)
    contrast, brightness, gamma, noise = draws[:, :, None, None, None].unbind(1)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    factor = 1 + config.contrast * _symmetric(contrast)
    shift = mean * (1 - factor) + config.brightness * _symmetric(brightness)
    images = torch.addcmul(shift, images, factor)
    if config.gamma > 0:
        images = images.clamp_(0, 1).pow_(torch.exp(config.gamma * _symmetric(gamma)))
    if config.noise > 0:
        white = images.new_empty(whole, *images.shape[1:])
        white = share.of(white.normal_(generator=_on(images.device, generator)))
        images = images.addcmul_(white, config.noise * noise)
    return images.clamp_(0, 1)


def low_resolution(
    images: Tensor, config: ViewConfig, generator: torch.Generator, share: Share = WHOLE
) -> Tensor:
    """Shrink some images and enlarge them again, so that they lose sharpness; [B, C, H, W].

    As the low-resolution augmentation of nnU-Net (https://arxiv.org/abs/1904.08128): to between
    `COARSEST` and all of the side, with bilinear filters.
    """
    if config.low_resolution == 0:
        return images
    draws = share.of(torch.rand(len(images) * share.parts, 2, generator=generator))
    images = images.clone()
    for row in torch.nonzero(draws[:, 0] < config.low_resolution).flatten().tolist():
        zoom = COARSEST + (1 - COARSEST) * float(draws[row, 1])
        size = [max(1, round(side * zoom)) for side in images.shape[2:]]
        small = F.interpolate(images[row : row + 1], size, mode="bilinear", antialias=True)
        images[row] = F.interpolate(small, images.shape[2:], mode="bilinear")[0]
    return images


def _symmetric(draws: Tensor) -> Tensor:
    return 2 * draws - 1


def _on(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """A generator on a device, seeded by the one on the CPU: noise is drawn where it is added."""
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)
