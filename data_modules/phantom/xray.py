"""Frontal radiographs: line integrals of attenuation through phantom chests."""

import numpy as np

from data_modules.phantom.anatomy import Array, Chest, draw_chest
from data_modules.phantom.disease import Opacity, ground_glass_anywhere
from data_modules.phantom.tissue import hounsfield
from data_modules.phantom.tubes import Cloud, skeleton, splat, vessels

DEPTH_STEPS = 22
RIB_EXCESS = 1.25
VESSEL_EXCESS = 0.9


def draw_radiograph(opaque: bool, size: int, rng: np.random.Generator) -> Array:
    """Draw one patient's radiograph.

    Args:
        opaque: Whether the lungs have patches of pneumonia.
        size: Height and width in pixels.
        rng: The patient's own generator; the same one draws the same chest, clear or not.

    Returns:
        uint8 [size, size]; dense tissue is bright.
    """
    chest = draw_chest(rng)
    opacities = _draw_pneumonia(chest, rng.spawn(1)[0]) if opaque else []
    x, z = _detector(chest, size, rng)
    pixel = (float(abs(z[1] - z[0])), float(x[1] - x[0]))
    path = _soft_tissue(chest, x, z, opacities)
    for cloud, excess in ((skeleton(chest), RIB_EXCESS), (vessels(chest, rng), VESSEL_EXCESS)):
        path += excess * _projected(cloud, x, z, pixel, size)
    return _develop(path, rng)


def _draw_pneumonia(chest: Chest, rng: np.random.Generator) -> list[Opacity]:
    strength = rng.uniform(550, 950)
    heights = chest.height * rng.uniform(0.25, 0.8, int(rng.integers(2, 5)))
    return [ground_glass_anywhere(chest, z, strength, rng) for z in heights]


def _detector(chest: Chest, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The x of the columns and z of the rows in mm, float64 [size] each."""
    half_width = (chest.width + chest.muscle + 10) * rng.uniform(0.95, 1.15)
    top = chest.height * rng.uniform(1.08, 1.22)
    bottom = chest.height * rng.uniform(-0.2, -0.02)
    x = np.linspace(-half_width, half_width, size) + rng.normal(0, 6)
    return x, np.linspace(top, bottom, size)


def _soft_tissue(chest: Chest, x: Array, z: Array, opacities: list[Opacity]) -> Array:
    """Water-equivalent path in mm of each ray, float64 [rows, columns].

    Every second ray is followed; the others lie between their neighbours.
    """
    from scipy import ndimage

    size = len(x)
    coarse = np.linspace(0, size - 1, (size + 1) // 2)
    x, z = (np.interp(coarse, np.arange(size), places) for places in (x, z))
    reach = chest.depth + chest.muscle + chest.fat + 30
    y, step = np.linspace(-reach, reach, DEPTH_STEPS, retstep=True)
    places = x[None, None, :], y[None, :, None], z[:, None, None]
    disease = np.zeros((len(z), len(y), len(x)))
    for opacity in opacities:
        disease = np.maximum(disease, opacity.strength * opacity.share(chest, *places))
    hu = hounsfield(chest, *places, edge=float(step) / 2, opacity=disease)
    path = (1 + hu / 1000).sum(axis=1) * step
    return ndimage.zoom(path, size / len(coarse), order=1, mode="nearest")


def _projected(cloud: Cloud, x: Array, z: Array, pixel: tuple[float, float], size: int) -> Array:
    """The mm of tube along each ray."""
    columns = (cloud.places[:, 0] - x[0]) / pixel[1]
    rows = (z[0] - cloud.places[:, 2]) / pixel[0]
    return splat(cloud, rows, columns, np.ones(len(rows)), pixel, size)


def _develop(path: Array, rng: np.random.Generator) -> Array:
    """Blur, exposure, film curve and noise: uint8."""
    from scipy import ndimage

    path = ndimage.gaussian_filter(path, rng.uniform(0.3, 0.7))
    exposed = path[path > 30]
    low, high = np.quantile(exposed, (rng.uniform(0.003, 0.06), rng.uniform(0.96, 0.999)))
    film = np.clip((path - low) / (high - low), 0, 1) ** rng.uniform(0.8, 1.25)
    film = film + rng.normal(0, rng.uniform(0.006, 0.022), path.shape)
    return np.rint(np.clip(film, 0, 1) * rng.uniform(215, 255)).astype(np.uint8)
