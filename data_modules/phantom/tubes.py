"""Thin structures as clouds of points with a radius: ribs, shoulder bones and vessel trees.

A cloud is splatted into an image: each point carries the volume of its piece of tube, so that a
slice shows its part of it and a projection its line integral, at any pixel size.
"""

from dataclasses import dataclass

import numpy as np

from data_modules.phantom.anatomy import Array, Chest, lungs, taper

RADIUS_CLASSES = (1.2, 2.4, 4.0)


@dataclass(frozen=True)
class Cloud:
    """Points of tubes: `places` float64 [P, 3] in mm, `radii` and `steps` float64 [P] in mm."""

    places: Array
    radii: Array
    steps: Array

    def near(self, z: float, reach: float) -> "Cloud":
        """The points within `reach` mm of the height `z`."""
        return self.where(np.abs(self.places[:, 2] - z) < reach)

    def where(self, keep: Array) -> "Cloud":
        """The points where `keep` (bool [P]) is true."""
        return Cloud(self.places[keep], self.radii[keep], self.steps[keep])


def join(clouds: list[Cloud]) -> Cloud:
    """Several clouds as one."""
    return Cloud(
        np.concatenate([cloud.places for cloud in clouds]),
        np.concatenate([cloud.radii for cloud in clouds]),
        np.concatenate([cloud.steps for cloud in clouds]),
    )


def splat(
    cloud: Cloud, rows: Array, columns: Array, weights: Array, pixel: tuple[float, float], size: int
) -> Array:
    """The cloud's volume, times `weights`, spread over an image, in mm per pixel area.

    Args:
        cloud: P points.
        rows: Place of each point in pixels, float64 [P].
        columns: The same, across.
        weights: The share of each point's volume that counts, float64 [P].
        pixel: Height and width of a pixel in mm.
        size: Height and width of the image in pixels.

    Returns:
        float64 [size, size]: mm of tube along the direction of view.
    """
    from scipy import ndimage

    image = np.zeros((size, size))
    lengths = np.pi * cloud.radii**2 * cloud.steps * weights / (pixel[0] * pixel[1])
    classes = np.digitize(cloud.radii, RADIUS_CLASSES)
    for number in np.unique(classes):
        chosen = classes == number
        layer = _bilinear(rows[chosen], columns[chosen], lengths[chosen], size)
        spread = 0.42 * float(np.median(cloud.radii[chosen]))
        image += ndimage.gaussian_filter(layer, (spread / pixel[0], spread / pixel[1]), truncate=3)
    return image


def skeleton(chest: Chest) -> Cloud:
    """Ribs, clavicles and shoulder blades."""
    sides = [part(chest, side) for side in (-1, 1) for part in (_ribs, _clavicle, _scapula)]
    return join(sides)


def vessels(chest: Chest, rng: np.random.Generator) -> Cloud:
    """Two trees that fork from the hila into the lungs."""
    cloud = join([_tree(chest, side, rng) for side in (-1, 1)])
    inside = lungs(chest, *cloud.places.T) < -1
    return cloud.where(inside)


def _bilinear(rows: Array, columns: Array, values: Array, size: int) -> Array:
    low_row, low_column = np.floor(rows).astype(int), np.floor(columns).astype(int)
    image = np.zeros((size + 2) * (size + 2))
    for row_step in (0, 1):
        for column_step in (0, 1):
            row, column = low_row + row_step, low_column + column_step
            share = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column))
            row, column = np.clip(row, -1, size) + 1, np.clip(column, -1, size) + 1
            image += np.bincount(row * (size + 2) + column, share * values, minlength=image.size)
    return image.reshape(size + 2, size + 2)[1:-1, 1:-1]


def _ribs(chest: Chest, side: int) -> Cloud:
    """Eleven ribs from the spine around the cage, falling towards the front."""
    number = np.arange(11)[:, None]
    angle = np.linspace(0.0, 1.0, 110)[None, :]
    turn = np.pi * (0.5 - 0.97 * angle) - 0.12 * np.pi
    level = chest.height * (1.0 - 0.088 * number)
    fall = chest.height * (0.09 + 0.036 * np.minimum(number, 7))
    z = level - fall * angle**0.9 * 1.9
    narrowing = np.maximum(taper(chest, z), 0.2)
    cosine, sine = np.cos(turn), np.sin(turn)
    power = (np.abs(cosine) ** 2.5 + np.abs(sine) ** 2.5) ** 0.4
    x = side * (chest.width * narrowing + 5) * cosine / power
    y = (chest.depth * narrowing**0.6 + 5) * sine / power
    reach = np.where(number < 7, 0.86, 0.86 - 0.13 * (number - 6))
    shown = np.broadcast_to(angle < reach, z.shape)
    return _line(np.stack(np.broadcast_arrays(x, y, z), -1), 4.3, shown)


def _clavicle(chest: Chest, side: int) -> Cloud:
    share = np.linspace(0, 1, 70)[None, :]
    x = side * (16 + share * (chest.width - 10))
    y = -0.62 * chest.depth + share * 0.55 * chest.depth + 8 * np.sin(share * 2 * np.pi)
    z = chest.height * (0.93 + 0.05 * share)
    return _line(np.stack([x, y, z], -1), 5.0, np.ones_like(x, dtype=bool))


def _scapula(chest: Chest, side: int) -> Cloud:
    share, level = np.linspace(0, 1, 30)[None, :], np.linspace(0.62, 1.02, 30)[:, None]
    narrow = np.clip((level - 0.55) / 0.25, 0.35, 1)
    x = side * (chest.width * (0.98 - 0.28 * narrow * (1 - share)) + 8 + 0 * level)
    y = chest.depth * (0.82 - 0.6 * share * narrow) + 12 + 0 * level
    z = chest.height * level + 0 * share
    return _line(np.stack([x, y, z], -1), 2.6, np.ones_like(x, dtype=bool))


def _line(path: Array, radius: float, shown: Array) -> Cloud:
    """The points of paths [L, S, 3] where `shown` [L, S]."""
    steps = np.linalg.norm(np.gradient(path, axis=1), axis=-1)
    count = int(shown.sum())
    return Cloud(path[shown], np.full(count, radius), steps[shown])


def _tree(chest: Chest, side: int, rng: np.random.Generator) -> Cloud:
    fan = [(0.5, -0.5, 1.0), (0.6, 0.6, 0.7), (1.0, -0.5, 0.1), (1.0, 0.5, 0.0)]
    fan += [(0.7, -0.3, -1.0), (0.7, 0.5, -1.0), (0.35, 0.8, -0.7)]
    heads = np.array(fan) * (side, 1, 1) + rng.normal(0, 0.15, (len(fan), 3))
    starts = np.repeat(chest.hilum(side)[None], len(fan), axis=0)
    radius, length = 4.6 * chest.vessel_radius, 0.135 * chest.height
    share = np.linspace(0, 1, 14)[:, None, None]
    clouds = []
    for _ in range(chest.vessel_generations):
        heads /= np.linalg.norm(heads, axis=1, keepdims=True)
        reach = heads * (length * rng.uniform(0.6, 1.25, (len(heads), 1)))
        bend = rng.normal(0, 0.08 * length, (len(heads), 3))
        path = (starts + share * reach + np.sin(share * np.pi) * bend).transpose(1, 0, 2)
        clouds.append(_line(path, radius, np.ones(path.shape[:2], dtype=bool)))
        starts = np.repeat(starts + reach, 2, axis=0)
        heads = np.repeat(heads, 2, axis=0)
        turn = rng.normal(0, 0.5, heads[::2].shape)
        heads[::2] += turn
        heads[1::2] -= turn
        radius, length = radius * 0.77, length * 0.8
    return join(clouds)
