"""Axial CT slices through phantom chests, with a mask of the disease in each."""

from dataclasses import dataclass

import numpy as np

from data_modules.phantom.anatomy import Array, Chest, draw_chest, lungs
from data_modules.phantom.disease import (
    Opacity,
    dependent_density,
    ground_glass_at_hilum,
    ground_glass_at_pleura,
    nodule,
)
from data_modules.phantom.tissue import hounsfield, inside
from data_modules.phantom.tubes import Cloud, skeleton, splat, vessels

THICKNESS = 4.0
VESSEL_HU = 40.0


@dataclass(frozen=True)
class Scan:
    """One patient's slices.

    Attributes:
        images: uint8 [slices, size, size], in a lung window.
        lesions: bool [slices, size, size], where disease is visible.
        lungs: bool [slices, size, size], the lung field that the slice was drawn from.
    """

    images: Array
    lesions: Array
    lungs: Array


@dataclass(frozen=True)
class _View:
    """How the scanner sees this patient: field of view, window, noise."""

    pixel: tuple[float, float]
    shift: tuple[float, float]
    turn: float
    window: tuple[float, float]
    blur: float
    noise: float
    couch: bool

    def places(self, size: int) -> tuple[Array, Array]:
        """The x and y in mm of each pixel's centre, float64 [size, size]."""
        middle = (size - 1) / 2
        row, column = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
        down = (row - middle) * self.pixel[0]
        right = (column - middle) * self.pixel[1]
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        return (
            cosine * right + sine * down + self.shift[1],
            cosine * down - sine * right + self.shift[0],
        )

    def pixels(self, places: Array, size: int) -> tuple[Array, Array]:
        """The row and column of places float64 [P, 3]; the inverse of `places`."""
        x, y = places[:, 0] - self.shift[1], places[:, 1] - self.shift[0]
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        middle = (size - 1) / 2
        down, right = cosine * y + sine * x, cosine * x - sine * y
        return middle + down / self.pixel[0], middle + right / self.pixel[1]


def draw_scan(kind: str, slices: int, size: int, rng: np.random.Generator) -> Scan:
    """Draw one patient.

    Args:
        kind: "covid" (ground glass at the pleura, mostly in the back), "central" (nodules or
            ground glass around the hila) or "healthy".
        slices: Number of slices, spread over the lungs.
        size: Height and width in pixels.
        rng: The patient's own generator.
    """
    chest = draw_chest(rng)
    view = _draw_view(chest, size, rng)
    heights = chest.height * (np.linspace(0.27, 0.76, slices) + rng.uniform(-0.05, 0.05, slices))
    opacities = _draw_disease(kind, chest, heights, rng)
    dependent = rng.uniform(60, 330) if rng.random() < 0.45 else 0.0
    tubes = (skeleton(chest), vessels(chest, rng))
    drawn = [_draw_slice(chest, view, z, opacities, dependent, tubes, size, rng) for z in heights]
    return Scan(*(np.stack(layers) for layers in zip(*drawn, strict=True)))


def _draw_view(chest: Chest, size: int, rng: np.random.Generator) -> _View:
    width = 2 * (chest.width + chest.muscle + 1.2 * chest.fat + 20) * rng.uniform(0.86, 1.1)
    height = width * rng.uniform(0.76, 1.0)
    return _View(
        pixel=(height / size, width / size),
        shift=(rng.normal(10, 6), rng.normal(0, 5)),
        turn=rng.normal(0, 0.05),
        window=(rng.uniform(-1150, -930), rng.uniform(50, 450)),
        blur=rng.uniform(0.25, 0.75),
        noise=rng.uniform(15, 85),
        couch=bool(rng.random() < 0.6),
    )


def _draw_disease(
    kind: str, chest: Chest, heights: Array, rng: np.random.Generator
) -> list[Opacity]:
    strength = rng.uniform(220, 480)
    extra = int(rng.integers(0, 4))
    foci = np.concatenate([heights, rng.choice(heights, extra)]) + rng.normal(
        0, 4, len(heights) + extra
    )
    if kind == "covid":
        return [ground_glass_at_pleura(chest, z, strength, rng) for z in foci]
    if kind == "central" and rng.random() < 0.5:
        return [nodule(chest, z, rng) for z in foci]
    if kind == "central":
        return [ground_glass_at_hilum(chest, z, strength, rng) for z in foci]
    return []


def _draw_slice(
    chest: Chest,
    view: _View,
    z: float,
    opacities: list[Opacity],
    dependent: float,
    tubes: tuple[Cloud, Cloud],
    size: int,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    x, y = view.places(size)
    height = np.asarray(z)
    edge = float(np.mean(view.pixel))
    disease = np.zeros_like(x)
    for opacity in opacities:
        disease = np.maximum(disease, opacity.strength * opacity.share(chest, x, y, height))
    added = disease + dependent_density(chest, x, y, height, dependent)
    added = np.minimum(added + _mottle(rng, size, view.pixel), 40 - chest.lung)
    hu = hounsfield(chest, x, y, height, edge, added)
    bones, trees = (_in_slice(cloud, view, z, size) for cloud in tubes)
    hu = np.maximum(hu, hu + (VESSEL_HU - hu) * trees)
    hu = np.maximum(hu, hu + ((1.1 * chest.bone + 200) - hu) * np.clip(1.5 * bones, 0, 1))
    field = inside(lungs(chest, x, y, height), edge) > 0.5
    if view.couch:
        hu = np.maximum(hu, _couch(chest, x, y))
    return _scan(hu, view, rng), (disease > 90) & field, field


def _in_slice(cloud: Cloud, view: _View, z: float, size: int) -> Array:
    """The share of each pixel that a cloud fills within the slice, 0 to 1."""
    near = cloud.near(z, THICKNESS / 2 + float(cloud.radii.max()))
    low = np.maximum(near.places[:, 2] - near.radii, z - THICKNESS / 2)
    high = np.minimum(near.places[:, 2] + near.radii, z + THICKNESS / 2)
    within = np.clip((high - low) / (2 * near.radii), 0, 1)
    rows, columns = view.pixels(near.places, size)
    return np.clip(splat(near, rows, columns, within, view.pixel, size) / THICKNESS, 0, 1)


def _mottle(rng: np.random.Generator, size: int, pixel: tuple[float, float]) -> Array:
    """The uneven density of normal lung, HU."""
    from scipy import ndimage

    coarse = ndimage.gaussian_filter(rng.normal(size=(size, size)), 14 / pixel[0])
    return coarse * (rng.uniform(5, 30) / max(float(coarse.std()), 1e-9))


def _couch(chest: Chest, x: Array, y: Array) -> Array:
    """The scanner's table beneath the back, HU."""
    bottom = chest.depth + chest.muscle + 0.75 * chest.fat + 22
    curve = y - bottom + 0.0009 * x**2 - 4
    return np.where(np.abs(curve) < 2.5, -250.0, -1000.0)


def _scan(hu: Array, view: _View, rng: np.random.Generator) -> Array:
    """Blur, correlated noise and the window: uint8."""
    from scipy import ndimage

    grain = ndimage.gaussian_filter(rng.normal(size=hu.shape), 0.6)
    hu = ndimage.gaussian_filter(hu, view.blur) + view.noise * grain / max(grain.std(), 1e-9)
    low, high = view.window
    return np.rint(np.clip((hu - low) / (high - low), 0, 1) * 255).astype(np.uint8)
