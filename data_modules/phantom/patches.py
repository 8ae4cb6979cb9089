"""Patches of CT lungs: with ground glass or a nodule in the middle, or without."""

import numpy as np

from data_modules.phantom.anatomy import Array
from data_modules.phantom.cohort import CLEAR, PATCHES, patch_kind, patch_label
from data_modules.phantom.ct import draw_scan

SCAN = 3
"""Sides of a patch to the side of the scan that it is cut out of."""

LEAST = 12
"""Pixels of a lesion, or of lung, that a slice must show to be cut."""


def draw_patches(number: int, size: int, rng: np.random.Generator) -> Array:
    """Cut one patch out of each slice of a patient.

    Args:
        number: The patient's.
        size: Height and width of a patch in pixels.
        rng: The patient's own generator.

    Returns:
        uint8 [PATCHES, size, size]; where a slice shows nothing of its class, the patch of another
        slice stands again, and where none does, the patient is drawn again.
    """
    usable = np.empty(0, dtype=np.intp)
    while not len(usable):
        scan = draw_scan(patch_kind(number), PATCHES, SCAN * size, rng)
        shown = scan.lungs if patch_label(number) == CLEAR else scan.lesions
        usable = np.flatnonzero(shown.sum(axis=(1, 2)) >= LEAST)
    chosen = [at if at in usable else rng.choice(usable) for at in range(PATCHES)]
    return np.stack([_cut(scan.images[at], shown[at], size, rng) for at in chosen])


def _cut(image: Array, shown: Array, size: int, rng: np.random.Generator) -> Array:
    """A patch around a random pixel of what is shown, wholly within the image."""
    places = np.argwhere(shown)
    centre = places[rng.integers(len(places))]
    top, left = np.clip(centre - size // 2, 0, np.array(image.shape) - size)
    return image[top : top + size, left : left + size]
