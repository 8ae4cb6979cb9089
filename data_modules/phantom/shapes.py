"""Twelve kinds of shape with random pose, size, texture and background: the natural images."""

import numpy as np

from data_modules.phantom.figures import FIGURES, Array


def draw_shape(name: str, size: int, rng: np.random.Generator) -> Array:
    """Draw one image.

    Args:
        name: A key of `FIGURES`.
        size: Height and width in pixels.
        rng: The image's own generator.

    Returns:
        uint8 [size, size], grey.
    """
    from scipy import ndimage

    x, y = _pose(size, rng)
    pixel = 2 / size / 0.5
    figure = np.clip(0.5 - FIGURES[name](x, y, rng) / pixel, 0, 1)
    ground, front = (_texture(size, rng) for _ in range(2))
    dark, bright = rng.uniform(0, 0.4), rng.uniform(0.35, 0.55)
    image = dark + rng.uniform(0.15, 0.5) * ground
    level = dark + bright + rng.uniform(0.05, 0.45) * front
    image = image + _clutter(size, rng) * rng.uniform(0, 0.5)
    image = image + (level - image) * figure
    image = ndimage.gaussian_filter(image, rng.uniform(0.2, 1.1))
    image = image + rng.normal(0, rng.uniform(0.01, 0.08), image.shape)
    if rng.random() < 0.5:
        image = 1 - image
    low, high = image.min(), image.max()
    return np.rint((image - low) / (high - low) * rng.uniform(170, 255)).astype(np.uint8)


def _pose(size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Each pixel's place in the figure's own frame, where the figure has radius about 1."""
    line = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(line - rng.uniform(-0.3, 0.3), line - rng.uniform(-0.3, 0.3))
    turn, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.38, 0.72)
    cosine, sine = np.cos(turn), np.sin(turn)
    stretch = np.exp(rng.uniform(-0.22, 0.22))
    return (cosine * x + sine * y) / scale * stretch, (cosine * y - sine * x) / scale / stretch


def _texture(size: int, rng: np.random.Generator) -> Array:
    """A gradient, clouds, stripes or grain, 0 to 1."""
    from scipy import ndimage

    line = np.linspace(-1, 1, size)
    x, y = np.meshgrid(line, line)
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    kind = rng.integers(4)
    if kind == 0:
        texture = along
    elif kind == 1:
        texture = ndimage.gaussian_filter(rng.normal(size=x.shape), size / rng.uniform(8, 25))
    elif kind == 2:
        texture = np.sin(along * rng.uniform(8, 30))
    else:
        texture = ndimage.gaussian_filter(rng.normal(size=x.shape), rng.uniform(0.5, 1.5))
    return (texture - texture.min()) / (texture.max() - texture.min())


def _clutter(size: int, rng: np.random.Generator) -> Array:
    """A few faint blobs and bars that belong to no figure."""
    line = np.linspace(-1, 1, size)
    x, y = np.meshgrid(line, line)
    image = np.zeros_like(x)
    for _ in range(rng.integers(0, 5)):
        turn = rng.uniform(0, np.pi)
        across = (x - rng.uniform(-1, 1)) * np.cos(turn) + (y - rng.uniform(-1, 1)) * np.sin(turn)
        along = (y - rng.uniform(-1, 1)) * np.cos(turn) - (x - rng.uniform(-1, 1)) * np.sin(turn)
        blob = (across / rng.uniform(0.03, 0.15)) ** 2 + (along / rng.uniform(0.1, 0.8)) ** 2
        image += np.exp(-blob)
    return image
