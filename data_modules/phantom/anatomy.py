"""A chest made of ellipsoids, tubes and planes, in millimetres and Hounsfield units.

Axes: x to the patient's left, y to the back, z to the head; z = 0 is the foot of the lungs. A
function named after an organ gives its signed distance in mm, about exact near its surface and
negative inside; coordinates may be any arrays that broadcast together.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
AIR, FAT, MUSCLE = -1000.0, -100.0, 50.0
LIVER = 60.0


@dataclass(frozen=True)
class Chest:
    """The shape and tissues of one patient's chest; lengths in mm, densities in HU."""

    height: float
    width: float
    depth: float
    muscle: float
    fat: float
    breast: float
    heart: float
    vessel_column: float
    septum: float
    domes: tuple[float, float]
    blood: float
    bone: float
    lung: float
    lung_gradient: float
    vessel_radius: float
    vessel_generations: int

    @property
    def spine_y(self) -> float:
        """The place of the vertebral bodies' centre."""
        return 0.62 * self.depth

    def hilum(self, side: int) -> Array:
        """Where the vessels enter the lung on `side` (-1 right, 1 left), float64 [3]."""
        return np.array([side * (self.vessel_column + 10), 0.02 * self.depth, 0.5 * self.height])


def draw_chest(rng: np.random.Generator) -> Chest:
    """A patient's chest: size, breathing, build and tissues vary independently."""
    breath = rng.uniform(0, 1)
    return Chest(
        height=rng.uniform(190, 225) + 45 * breath,
        width=rng.uniform(112, 142) + 10 * breath,
        depth=rng.uniform(74, 98) + 10 * breath,
        muscle=rng.uniform(6, 15),
        fat=rng.uniform(3, 24),
        breast=rng.uniform(0, 24) if rng.random() < 0.4 else 0.0,
        heart=rng.uniform(0.88, 1.2),
        vessel_column=rng.uniform(23, 35),
        septum=rng.uniform(-8, 8),
        domes=(rng.uniform(0.12, 0.3), rng.uniform(0.08, 0.24)),
        blood=rng.uniform(150, 300) if rng.random() < 0.3 else rng.uniform(35, 60),
        bone=rng.uniform(180, 420),
        lung=-885 + 105 * (1 - breath) * rng.uniform(0.3, 1) + rng.normal(0, 12),
        lung_gradient=rng.uniform(10, 90),
        vessel_radius=rng.uniform(0.75, 1.3),
        vessel_generations=int(rng.integers(6, 9)),
    )


def costal(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """The inner surface of the rib cage: a bell, rounder towards the head."""
    narrowing = taper(chest, z)
    return _barrel(x, y, chest.width * narrowing, chest.depth * narrowing**0.6)


def lungs(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """Both lungs: the rib cage without mediastinum, spine and diaphragm."""
    inner = np.maximum(costal(chest, x, y, z) + 3, -mediastinum(chest, x, y, z))
    inner = np.maximum(inner, -_paraspinal(chest, x, y))
    return np.maximum(inner, -diaphragm(chest, x, y, z))


def mediastinum(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """Heart, great vessels and the tissue between the lungs."""
    column = ellipsoid(
        (x - 2, y + 0.02 * chest.depth),
        (chest.vessel_column * (1 + 0.12 * (z > 0.8 * chest.height)), 0.62 * chest.depth),
    )
    fan = np.maximum(-y / chest.depth - 0.62, 0) * 55
    septum = np.abs(x - chest.septum) - 3.5 - fan
    spread = np.minimum(np.minimum(column, septum), heart(chest, x, y, z))
    return np.minimum(np.minimum(spread, aorta(chest, x, y, z)), _hila(chest, x, y, z))


def heart(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """The heart, left of the middle and in front, its apex low and to the left."""
    lean = (z - 0.3 * chest.height) * 0.3
    return ellipsoid(
        (x - 20 + lean, y + 0.28 * chest.depth - 0.15 * (x - 20), z - 0.3 * chest.height),
        (58 * chest.heart, 0.47 * chest.depth, 0.27 * chest.height * chest.heart**0.5),
    )


def aorta(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """Descending aorta, arch and ascending aorta."""
    arch_z = 0.7 * chest.height
    descending = ellipsoid((x - 26, y - 0.42 * chest.depth), (12.5, 12.5))
    descending = np.maximum(descending, z - arch_z)
    along = np.clip((y + 0.25 * chest.depth) / (0.67 * chest.depth), 0, 1)
    arch = ellipsoid((x - 2 - 24 * along, y - 0.08 * chest.depth, z - arch_z), (16, 48, 15))
    ascending = ellipsoid((x + 6, y + 0.22 * chest.depth), (15, 15))
    ascending = np.maximum(ascending, np.abs(z - 0.56 * chest.height) - 0.13 * chest.height)
    return np.minimum(np.minimum(descending, arch), ascending)


def diaphragm(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """The two domes; what is below them is negative."""
    right, left = chest.domes
    peak = np.where(x < 0, right, left) * chest.height
    across = (np.abs(x) - 0.47 * chest.width) / (0.62 * chest.width)
    along = (y + 0.12 * chest.depth) / (0.95 * chest.depth)
    return (z - peak + 0.3 * chest.height * (across**2 + along**2)) * 0.75


def airways(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    """Trachea and main bronchi."""
    carina = 0.6 * chest.height
    below = np.maximum(carina - z, 0)
    offset = np.minimum(below * 1.25, 42)
    radius = np.where(z > carina, 8.5, 6.0)
    tube = np.hypot(np.abs(x) - offset, y - 0.1 * chest.depth) - radius
    return np.maximum(tube, 0.44 * chest.height - z)


def body(chest: Chest, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """The skin and the surface of the muscles beneath the fat."""
    upper = np.clip(z / chest.height - 0.55, 0, 1)
    half_width = chest.width + chest.muscle + 10 + 30 * upper
    half_depth = chest.depth + chest.muscle + 8 - 14 * upper
    muscle = _barrel(x, y - 9, half_width, half_depth)
    skin = _barrel(x, y - 9, half_width + 1.2 * chest.fat, half_depth + 0.75 * chest.fat)
    neck = z - 1.04 * chest.height - np.maximum(45 - np.abs(x), 0) * 9
    slope = neck + np.maximum(np.abs(x) - 45, 0) * 0.22
    muscle, skin = np.maximum(muscle, slope), np.maximum(skin, slope - chest.fat)
    if chest.breast:
        bulge = ellipsoid(
            (np.abs(x) - 0.62 * chest.width, y + half_depth - 14, z - 0.42 * chest.height),
            (72, 22 + chest.breast, 70),
        )
        skin = np.minimum(skin, bulge)
    return skin, muscle


def ellipsoid(offsets: tuple[Array, ...], semi_axes: tuple[float | Array, ...]) -> Array:
    """Distance to an ellipse or ellipsoid from the offsets to its centre."""
    squares = sum((offset / axis) ** 2 for offset, axis in zip(offsets, semi_axes, strict=True))
    scale = sum(semi_axes[:2]) / 2
    return (np.sqrt(squares) - 1) * scale


def _barrel(x: Array, y: Array, half_width: Array, half_depth: Array) -> Array:
    """A rounded box (an ellipse of power 2.5)."""
    u, v = np.abs(x / half_width), np.abs(y / half_depth)
    return (u * u * np.sqrt(u) + v * v * np.sqrt(v) - 1) / 2.5 * half_depth


def taper(chest: Chest, z: Array) -> Array:
    """The rib cage's width towards the apex of the lungs, 1 in its lower half."""
    upper = np.clip((z / chest.height - 0.3) / 0.74, 0, 1)
    return np.sqrt(np.maximum(1 - upper**2.3, 0.004))


def _paraspinal(chest: Chest, x: Array, y: Array) -> Array:
    body_of_vertebra = ellipsoid((x, y - chest.spine_y), (25, 23))
    back = y - chest.spine_y
    behind = np.maximum(np.abs(x) - 17 - 0.8 * back, -back)
    return np.minimum(body_of_vertebra, behind)


def _hila(chest: Chest, x: Array, y: Array, z: Array) -> Array:
    place = chest.hilum(1)
    return ellipsoid((np.abs(x) - place[0] + 8, y - place[1], z - place[2]), (14, 17, 22))
