"""Hounsfield units at any point of a chest."""

import numpy as np

from data_modules.phantom.anatomy import (
    AIR,
    FAT,
    LIVER,
    MUSCLE,
    Array,
    Chest,
    airways,
    aorta,
    body,
    costal,
    diaphragm,
    ellipsoid,
    heart,
    lungs,
    mediastinum,
    taper,
)

FLUID_FAT = 5.0


def hounsfield(
    chest: Chest, x: Array, y: Array, z: Array, edge: float, opacity: Array | float = 0.0
) -> Array:
    """The tissue at each point, without ribs and lung vessels (see `tubes`).

    Args:
        chest: The patient.
        x: Places in mm; x, y and z are arrays that broadcast together.
        y: The same.
        z: The same.
        edge: The width in mm over which one tissue passes into the next: a pixel.
        opacity: HU that disease adds inside the lungs, at each point.

    Returns:
        float64 of the broadcast shape, from -1000.
    """
    skin, muscle = body(chest, x, y, z)
    hu = AIR + (FAT - AIR) * inside(skin, edge)
    hu = _blend(hu, MUSCLE, inside(muscle, edge))
    cage = costal(chest, x, y, z)
    hu = _blend(hu, FLUID_FAT, inside(np.maximum(cage, mediastinum(chest, x, y, z)), edge))
    hu = _blend(hu, 0.5 * (chest.blood + 45), inside(np.maximum(cage, heart(chest, x, y, z)), edge))
    hu = _blend(hu, chest.blood, inside(np.maximum(cage, aorta(chest, x, y, z) + 1), edge))
    hu = _blend(hu, LIVER, inside(np.maximum(cage + 6, diaphragm(chest, x, y, z)), edge))
    parenchyma = chest.lung + chest.lung_gradient * y / chest.depth + opacity
    hu = _blend(hu, parenchyma, inside(lungs(chest, x, y, z), edge))
    hu = _blend(hu, AIR, inside(airways(chest, x, y, z), edge))
    return _with_spine(chest, hu, x, y, z, edge)


def inside(distance: Array, edge: float) -> Array:
    """The share of a pixel inside a surface at a signed distance, 0 to 1."""
    return np.clip(0.5 - distance / edge, 0, 1)


def _blend(hu: Array, other: Array | float, share: Array) -> Array:
    return hu + (other - hu) * share


def _with_spine(chest: Chest, hu: Array, x: Array, y: Array, z: Array, edge: float) -> Array:
    back = y - chest.spine_y
    vertebra = ellipsoid((x, back), (19, 16))
    disc = 0.5 - 0.5 * np.cos(2 * np.pi * z / 24)
    shell = np.exp(-(((vertebra + 2) / 2.5) ** 2))
    hu = _blend(hu, chest.bone * (0.35 + 0.5 * disc + 0.6 * shell), inside(vertebra, edge))
    arch = ellipsoid((x, back - 24), (14, 12))
    process = np.minimum(ellipsoid((x, back - 44), (5, 15)), arch)
    wings = ellipsoid((np.abs(x) - 24, back - 25), (17, 6))
    hu = _blend(hu, chest.bone * (0.5 + 0.4 * disc), inside(np.minimum(process, wings), edge))
    hu = _blend(hu, 20.0, inside(ellipsoid((x, back - 23), (8.5, 7)), edge))
    front = -chest.depth * taper(chest, z) ** 0.6 - 5
    sternum = np.maximum(ellipsoid((x, y - front), (17, 6.5)), 0.32 * chest.height - z)
    sternum = np.maximum(sternum, z - 0.93 * chest.height)
    return _blend(hu, 0.7 * chest.bone, inside(sternum, edge))
