"""Opacities inside the lungs: ground glass, nodules and the density of dependent lung."""

from dataclasses import dataclass, field

import numpy as np

from data_modules.phantom.anatomy import Array, Chest, costal, lungs

PROBE_STEP = 5.0


@dataclass(frozen=True)
class Opacity:
    """One patch of denser lung.

    Attributes:
        centre: Place in mm, float64 [3].
        semi_axes: Half its size along, across and up, in mm, float64 [3].
        angle: The direction of its first axis in the axial plane, in radians.
        strength: HU at its centre.
        waves: Frequencies (per mm) of its irregular outline and texture, float64 [K, 3].
        phases: float64 [K].
        ragged: How far the waves move its outline, 0 (smooth) to 1.
        central: Whether it spares the outer 16 mm of the lung.
    """

    centre: Array
    semi_axes: Array
    angle: float
    strength: float
    waves: Array = field(repr=False)
    phases: Array = field(repr=False)
    ragged: float
    central: bool = False

    def share(self, chest: Chest, x: Array, y: Array, z: Array) -> Array:
        """How much of its strength is present at each point, 0 to about 1."""
        x, y, z = (place - centre for place, centre in zip((x, y, z), self.centre, strict=True))
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        along, across = cosine * x + sine * y, cosine * y - sine * x
        squares = sum(
            (offset / axis) ** 2
            for offset, axis in zip((along, across, z), self.semi_axes, strict=True)
        )
        share = np.zeros(np.shape(squares))
        near = squares < 4
        offsets = [np.broadcast_to(offset, near.shape)[near] for offset in (x, y, z)]
        share[near] = self._ragged_share(np.sqrt(squares[near]), *offsets)
        if self.central:
            depth = -costal(chest, x + self.centre[0], y + self.centre[1], z + self.centre[2])
            share = share * np.clip((depth - 16) / 8, 0, 1)
        return share

    def _ragged_share(self, distance: Array, x: Array, y: Array, z: Array) -> Array:
        rim = 0.5 if self.ragged else 0.15
        wavy = np.zeros_like(distance)
        for wave, phase in zip(self.waves, self.phases, strict=True):
            wavy += np.sin(wave[0] * x + wave[1] * y + wave[2] * z + phase)
        wavy *= self.ragged / np.sqrt(max(len(self.phases), 1))
        share = np.clip((1 + rim / 2 - distance - 0.5 * wavy) / rim, 0, 1)
        return share * (1 - 0.35 * np.clip(wavy, 0, 1.5))


def probe(chest: Chest, z: float) -> tuple[Array, Array]:
    """Places inside the lungs on a fixed grid at the height `z`.

    Returns:
        Places float64 [P, 3] in mm, and their distance to the rib cage in mm, float64 [P].
    """
    half_width, half_depth = chest.width + 5, chest.depth + 5
    columns = np.arange(-half_width, half_width, PROBE_STEP)
    rows = np.arange(-half_depth, half_depth, PROBE_STEP)
    y, x = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
    height = np.full_like(x, z)
    within = lungs(chest, x, y, height) < -2
    places = np.stack([x, y, height], axis=1)[within]
    return places, -costal(chest, *places.T)


def ground_glass_at_pleura(
    chest: Chest, z: float, strength: float, rng: np.random.Generator
) -> Opacity:
    """A patch along the pleura, mostly in the back: what COVID-19 looks like."""
    places, depth = probe(chest, z)
    outer = depth < np.quantile(depth, 0.3)
    places = places[outer]
    back = 4.5 * places[:, 1] / chest.depth
    centre = _pick(places, np.exp(np.minimum(back, 3.0)), rng)
    outward = np.arctan2(centre[1] / chest.depth**2, centre[0] / chest.width**2)
    semi_axes = np.array([rng.uniform(12, 24), rng.uniform(16, 36), rng.uniform(22, 48)])
    return _ground_glass(centre, semi_axes, float(outward), strength, rng)


def ground_glass_at_hilum(
    chest: Chest, z: float, strength: float, rng: np.random.Generator
) -> Opacity:
    """A patch around the vessels near the heart that spares the periphery."""
    places, depth = probe(chest, z)
    inner = depth > np.quantile(depth, 0.7)
    places = places[inner]
    centre = _pick(places, np.exp(-np.abs(places[:, 1]) / 40), rng)
    semi_axes = np.array([rng.uniform(20, 34), rng.uniform(22, 42), rng.uniform(22, 48)])
    angle = rng.uniform(-0.6, 0.6)
    return _ground_glass(centre, semi_axes, angle, strength, rng, central=True)


def ground_glass_anywhere(
    chest: Chest, z: float, strength: float, rng: np.random.Generator
) -> Opacity:
    """A patch of pneumonia at any place of the lungs."""
    places, _ = probe(chest, z)
    centre = _pick(places, np.ones(len(places)), rng)
    semi_axes = rng.uniform(26, 54, 3)
    return _ground_glass(centre, semi_axes, rng.uniform(0, np.pi), strength, rng)


def nodule(chest: Chest, z: float, rng: np.random.Generator) -> Opacity:
    """A solid, round, central nodule."""
    places, depth = probe(chest, z)
    places = places[depth > np.quantile(depth, 0.55)]
    centre = _pick(places, np.ones(len(places)), rng)
    radius = rng.uniform(5, 12)
    return Opacity(
        centre, np.full(3, radius), 0.0, 850.0, np.zeros((0, 3)), np.zeros(0), ragged=0.0
    )


def dependent_density(chest: Chest, x: Array, y: Array, z: Array, strength: float) -> Array:
    """HU of the thin, smooth band at the back of a lung, where it is dependent: healthy."""
    depth = -costal(chest, x, y, z)
    band = np.clip(1.2 - depth / 13, 0, 1)
    return strength * band * np.clip((y / chest.depth - 0.35) / 0.3, 0, 1)


def _pick(places: Array, weights: Array, rng: np.random.Generator) -> Array:
    return places[rng.choice(len(places), p=weights / weights.sum())]


def _ground_glass(
    centre: Array,
    semi_axes: Array,
    angle: float,
    strength: float,
    rng: np.random.Generator,
    central: bool = False,
) -> Opacity:
    count = 14
    heads = rng.normal(size=(count, 3))
    heads /= np.linalg.norm(heads, axis=1, keepdims=True)
    lengths = np.geomspace(55, 9, count)
    return Opacity(
        centre=centre,
        semi_axes=semi_axes,
        angle=angle,
        strength=strength,
        waves=heads * (2 * np.pi / lengths)[:, None],
        phases=rng.uniform(0, 2 * np.pi, count),
        ragged=rng.uniform(0.6, 1.0),
        central=central,
    )
