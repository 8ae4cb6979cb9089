"""Slices whose lungs are known: of the phantom with consolidation, and plain drawings."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from data_modules.phantom import ct
from data_modules.phantom.disease import Opacity, ground_glass_at_pleura

AIR, LUNG, BODY, BONE = 5, 50, 170, 250


def dice(found: np.ndarray, true: np.ndarray) -> float:
    return 2 * (found & true).sum() / max(found.sum() + true.sum(), 1)


def phantom_slices(patients: int, first: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Slices with the lungs that they were drawn from, of three sizes and all kinds."""
    for number in range(first, first + patients):
        kind = ("covid", "healthy", "central")[number // 3 % 3]
        size = (128, 192, 256)[number % 3]
        drawn = ct.draw_scan(kind, 3, size, np.random.default_rng(number))
        for image, lungs in zip(drawn.images, drawn.lungs, strict=True):
            if lungs.mean() > 0.04:
                yield image, lungs


def solid_opacities(kind, chest, heights, rng) -> list[Opacity]:
    """In the place of the phantom's own disease: two patches at each height, as dense as muscle."""
    twice = np.concatenate([heights, heights])
    return [ground_glass_at_pleura(chest, z, rng.uniform(700, 1100), rng) for z in twice]


def with_dependent(image, lungs, rng) -> np.ndarray:
    """With the lowest 8 to 25 % of one lung or both as light as the body around them."""
    middle = np.flatnonzero(lungs.any(axis=0)).mean()
    left = np.arange(lungs.shape[1]) < middle
    dense = np.zeros_like(lungs)
    for side in (left, ~left) if rng.random() < 0.5 else ((left, ~left)[rng.integers(2)],):
        share = np.cumsum((lungs & side).sum(axis=1)) / max((lungs & side).sum(), 1)
        dense |= lungs & side & (share > 1 - rng.uniform(0.08, 0.25))[:, None]
    return consolidated(image, lungs, dense, rng)


def consolidated(image, lungs, dense, rng) -> np.ndarray:
    """Paint a mask as light as the body around the lungs, with noise and darker spots."""
    close = [ndimage.binary_dilation(lungs, iterations=steps) for steps in (2, 6)]
    level = np.median(image[close[1] & ~close[0]])
    spots = ndimage.gaussian_filter(rng.normal(size=image.shape), 1.6 * image.shape[0] / 128)
    density = np.clip(0.95 + 0.3 * spots / spots.std(), 0.3, 1)
    share = ndimage.gaussian_filter(dense.astype(float), 0.6) * density
    noisy = level + 8 * rng.normal(size=image.shape)
    return np.clip(image * (1 - share) + noisy * share, 0, 255).astype(np.uint8)


def oval(x, y, width, height, shape=(128, 128)) -> np.ndarray:
    """A filled ellipse; place and size as shares of the image."""
    rows, columns = np.indices(shape)
    across = (columns / shape[1] - x) / (width / 2)
    down = (rows / shape[0] - y) / (height / 2)
    return across**2 + down**2 <= 1


def prone_slice() -> np.ndarray:
    """A patient on the belly: the spine on top, the heart fallen to the bottom."""
    image = np.full((128, 128), AIR, dtype=np.uint8)
    image[oval(0.5, 0.5, 0.96, 0.8)] = BODY
    image[oval(0.31, 0.5, 0.34, 0.52) | oval(0.69, 0.5, 0.34, 0.52)] = LUNG
    image[oval(0.47, 0.68, 0.36, 0.4)] = BODY
    image[oval(0.5, 0.22, 0.14, 0.2)] = BONE
    noise = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)
