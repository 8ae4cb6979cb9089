"""Trees of small image files for the tests of data sets."""

from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

from data_modules.samples import Samples


def draw(root: Path, *paths: str, seed: int | None = None) -> None:
    """Write a small random image to each path; with `seed` the same one to all."""
    for path in paths:
        random = np.random.default_rng(crc32(path.encode()) if seed is None else seed)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (12, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(root / path)


def splits_of(samples: Samples) -> dict[str, str]:
    """The split of each path."""
    return dict(zip(samples.table["path"], samples.table["split"], strict=True))
