"""Twelve kinds of shape with random pose, size, texture and background: the natural images."""

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Figure = Callable[[Array, Array, np.random.Generator], Array]


def draw_shape(name: str, size: int, rng: np.random.Generator) -> Array:
    """Draws one image.

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


def _disc(x: Array, y: Array, rng: np.random.Generator) -> Array:
    return np.hypot(x, y) - 0.95


def _ring(x: Array, y: Array, rng: np.random.Generator) -> Array:
    return np.abs(np.hypot(x, y) - 0.8) - rng.uniform(0.1, 0.24)


def _polygon(corners: int) -> Figure:
    def distance(x: Array, y: Array, rng: np.random.Generator) -> Array:
        part = 2 * np.pi / corners
        angle = np.mod(np.arctan2(y, x), part) - part / 2
        return np.hypot(x, y) * np.cos(angle) - np.cos(part / 2) * 1.05

    return distance


def _star(x: Array, y: Array, rng: np.random.Generator) -> Array:
    part = 2 * np.pi / 5
    angle = np.abs(np.mod(np.arctan2(y, x), part) / part - 0.5) * 2
    return np.hypot(x, y) - (0.42 + 0.7 * angle ** rng.uniform(1.2, 1.8))


def _cross(x: Array, y: Array, rng: np.random.Generator) -> Array:
    width = rng.uniform(0.2, 0.32)
    upright = np.maximum(np.abs(x) - width, np.abs(y) - 1)
    level = np.maximum(np.abs(y) - width, np.abs(x) - 1)
    return np.minimum(upright, level)


def _crescent(x: Array, y: Array, rng: np.random.Generator) -> Array:
    bite = np.hypot(x - rng.uniform(0.4, 0.6), y) - 0.78
    return np.maximum(np.hypot(x, y) - 1, -bite)


def _pair(x: Array, y: Array, rng: np.random.Generator) -> Array:
    return np.hypot(np.abs(x) - 0.6, y / rng.uniform(1.2, 1.8)) - 0.42


def _bars(x: Array, y: Array, rng: np.random.Generator) -> Array:
    bar = np.abs(np.mod(x * 1.5 + 0.5, 1) - 0.5) / 1.5 - rng.uniform(0.13, 0.2)
    return np.maximum(bar, np.maximum(np.abs(x), np.abs(y)) - 1)


def _dots(x: Array, y: Array, rng: np.random.Generator) -> Array:
    column, row = (np.mod(place * 1.5 + 0.5, 1) - 0.5 for place in (x, y))
    dot = np.hypot(column, row) / 1.5 - rng.uniform(0.15, 0.22)
    return np.maximum(dot, np.maximum(np.abs(x), np.abs(y)) - 1)


def _spiral(x: Array, y: Array, rng: np.random.Generator) -> Array:
    radius, angle = np.hypot(x, y), np.arctan2(y, x) * rng.choice((-1, 1))
    arm = np.abs(np.mod(radius * 2.1 - angle / (2 * np.pi), 1) - 0.5) / 2.1 - 0.11
    return np.maximum(arm, radius - 1.15)


def _tree(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """A stem that forks three times."""
    starts, heads, length = np.zeros((1, 2)) - (0, 1.0), np.array([[0.0, 1.0]]), 0.75
    distance = np.full(x.shape, np.inf)
    for width in (0.13, 0.1, 0.075, 0.06):
        for start, head in zip(starts, heads, strict=True):
            along = np.clip((x - start[0]) * head[0] + (y - start[1]) * head[1], 0, length)
            away = np.hypot(x - start[0] - along * head[0], y - start[1] - along * head[1])
            distance = np.minimum(distance, away - width)
        starts = np.repeat(starts + heads * length, 2, axis=0)
        turns = rng.uniform(0.35, 0.75, len(starts)) * np.tile((-1, 1), len(heads))
        heads = np.repeat(heads, 2, axis=0)
        cosine, sine = np.cos(turns), np.sin(turns)
        heads = np.stack(
            [heads[:, 0] * cosine - heads[:, 1] * sine, heads[:, 0] * sine + heads[:, 1] * cosine],
            axis=1,
        )
        length *= 0.72
    return distance


FIGURES: dict[str, Figure] = {
    "disc": _disc,
    "ring": _ring,
    "triangle": _polygon(3),
    "square": _polygon(4),
    "star": _star,
    "cross": _cross,
    "crescent": _crescent,
    "pair": _pair,
    "bars": _bars,
    "dots": _dots,
    "spiral": _spiral,
    "tree": _tree,
}
