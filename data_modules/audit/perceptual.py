"""Perceptual hashes of thumbnails, and images chosen so that no two of them are near.

The hash is imagehash's pHash of 16 x 16 bits: which of the lowest frequencies of an image exceed
their median. Of two unrelated images about 128 of the 256 bits differ. Chosen on public data:

- An image saved again at 0.8 of its size with JPEG quality 60 stays within 12 bits, made brighter
  by a fifth within 22.
- Two pairs of chest CT slices 3 mm apart differ in 10 and 16 bits, two 6 mm apart in 30 and 84. Of
  a cropped CT of 1.5 mm, half of the neighbours are within 24 bits, 95 % within 36.
- Slices of one LUNA16 series that are 20 slices apart differ in 28 bits and more.
- The nearest slices of two persons differ in 36 bits (1,110 of MosMed), 46 (1,000 of LUNA16) and 56
  (746 of COVID-CT); of 1,500 chest X-rays a hundredth has another one within 46.

By their look, pairs up to 20 bits are copies or next slices with the same findings; from 28 on some
show another finding. The same of a difference hash (dHash) would not do: the nearest slices of two
persons differ in 11 of its 256 bits, and slices 3 mm apart in as many.
"""

import numpy as np
from PIL import Image

HASH_SIDE = 16
BITS = HASH_SIDE**2
AT_ONCE = 2048


def perceptual_hashes(pictures: np.ndarray) -> np.ndarray:
    """The perceptual hash of each thumbnail, bool [N, BITS]; 0.2 ms for one.

    Args:
        pictures: Thumbnails, uint8 [N, height, width].
    """
    import imagehash  # a tenth of a second, which commands that hash nothing do not need

    hashes = [imagehash.phash(Image.fromarray(one), HASH_SIDE).hash.ravel() for one in pictures]
    return np.array(hashes, dtype=bool).reshape(-1, BITS)


def keep_apart(hashes: np.ndarray, distance: int) -> np.ndarray:
    """Keep images, one after another, that are farther than a distance from all kept before.

    At most N^2 / 2 pairs are compared, by matrix products of blocks, and fewer where images are
    left out: N times the number of those kept.

    Args:
        hashes: bool [N, BITS], in the order in which the images are looked at.
        distance: The largest number of bits in which two images differ of which one is left out.

    Returns:
        int64 [N], the place of a kept image that each one is within the distance of; its own place
        where it is kept.
    """
    signs = np.where(hashes, 1, -1).astype(np.float32)
    least = BITS - 2 * distance  # the product of the signs of two hashes at that distance
    near = np.arange(len(hashes))
    kept = near[:0]
    for top in range(0, len(hashes), AT_ONCE):
        rows = np.arange(top, min(top + AT_ONCE, len(hashes)))
        for start in range(0, len(kept), AT_ONCE):
            others = kept[start : start + AT_ONCE]
            is_near = signs[rows] @ signs[others].T >= least
            found = is_near.any(axis=1)
            near[rows[found]] = others[is_near[found].argmax(axis=1)]
            rows = rows[~found]
        kept = np.concatenate([kept, _keep_in_turn(rows, signs, least, near)])
    return near


def _keep_in_turn(rows: np.ndarray, signs: np.ndarray, least: int, near: np.ndarray) -> np.ndarray:
    """Which of these rows are kept; `near` is called with the others."""
    is_near = signs[rows] @ signs[rows].T >= least
    free = np.ones(len(rows), dtype=bool)
    for place in range(len(rows)):
        if free[place]:
            left_out = free & is_near[place]
            left_out[: place + 1] = False
            near[rows[left_out]] = rows[place]
            free[left_out] = False
    return rows[free]
