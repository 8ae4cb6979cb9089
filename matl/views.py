"""Random views of a batch, made on the batch's device by one resampling per view.

Crop, flip, rotation and zoom are one affine map, so geometry is never lost: what is marked on a
scan can be found in each of its views. A map `theta`, float32 [B, 2, 3], takes normalised
coordinates (x, y) of the view (the output) to those of the scan (the input), in the convention of
`torch.nn.functional.affine_grid` with `align_corners=False`: -1 and 1 are the outer edges of the
first and the last pixel. Outside of the scan a view is black, as air is in CT.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from matl.view_settings import VERSION as VERSION
from matl.view_settings import ViewConfig

LONGEST_ASPECT = 1.2


class View(NamedTuple):
    """A batch of views.

    Attributes:
        image: float32 [B, C, h, w] in [0, 1].
        theta: float32 [B, 2, 3], the map from each view to its scan.
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
    size: tuple[int, int] | None = None,
    share: Share = WHOLE,
) -> View:
    """Draw one random view of each image.

    Args:
        images: uint8 [B, C, H, W].
        config: how strongly views differ.
        generator: on the CPU; all randomness comes from it, whatever the images' device.
        size: height and width of the views; the images' own by default.
        share: the part of the batch that the images are.
    """
    whole = (len(images) * share.parts, *images.shape[1:])
    theta = share.of(random_map(whole, config, generator)).to(images.device)
    view = intensity(resample(plain_view(images), theta, size), config, generator, share)
    return View(view, theta)


def plain_view(images: Tensor) -> Tensor:
    """Images as they are, for evaluation: uint8 [B, C, H, W] -> float32 in [0, 1].

    Raises:
        ValueError: The images are not uint8, such as floats that were divided by 255 already.
    """
    if images.dtype != torch.uint8:
        raise ValueError(f"images must be uint8 in 0 to 255, not {images.dtype}")
    return images.float() / 255


def random_map(shape: tuple[int, ...], config: ViewConfig, generator: torch.Generator) -> Tensor:
    """Draw the maps of a batch of shape [B, C, H, W]: float32 [B, 2, 3] on the CPU."""
    batch, height, width = shape[0], shape[-2], shape[-1]
    draws = torch.rand(batch, 6, generator=generator).unbind(1)
    least, largest = config.crop
    area = least + (largest - least) * draws[0]
    narrowest = 1 / LONGEST_ASPECT
    fits = torch.minimum(area, 1 / area).clamp(min=narrowest)
    aspect = torch.exp(_symmetric(draws[1]) * -torch.log(fits))
    scale_x, scale_y = (area * aspect).sqrt(), (area / aspect).sqrt()
    centre_x = _symmetric(draws[2]) * (1 - scale_x).abs()
    centre_y = _symmetric(draws[3]) * (1 - scale_y).abs()
    mirror = torch.where(draws[4] < config.flip, -1.0, 1.0)
    angle = torch.deg2rad(_symmetric(draws[5]) * config.rotate)
    cos, sin = angle.cos(), angle.sin()
    rows = (
        (cos * scale_x * mirror, -sin * scale_y * (height / width), centre_x),
        (sin * scale_x * mirror * (width / height), cos * scale_y, centre_y),
    )
    return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


def resample(
    images: Tensor, theta: Tensor, size: tuple[int, int] | None = None, mode: str = "bilinear"
) -> Tensor:
    """Look at images through maps: float [B, C, H, W] -> float32 [B, C, h, w], 0 outside."""
    shape = [*images.shape[:2], *(size or images.shape[-2:])]
    with torch.autocast(images.device.type, enabled=False):
        grid = F.affine_grid(theta.float(), shape, align_corners=False)
        return F.grid_sample(images.float(), grid, mode, "zeros", align_corners=False)


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


def _symmetric(draws: Tensor) -> Tensor:
    return 2 * draws - 1


def _on(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """A generator on a device, seeded by the one on the CPU: noise is drawn where it is added."""
    seed = int(torch.randint(2**62, (), generator=generator))
    return torch.Generator(device).manual_seed(seed)
