"""Which share of an image is content, such as lung, kept by the contents of the files."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from data_modules.audit.boxes import Boxes
from data_modules.cores import on_cores
from data_modules.files import recall, remember
from data_modules.formats.images import read_image

VERSION = 1


def content_shares(
    files: Sequence[str], contents: Sequence[str], folder: Path, boxes: Boxes
) -> np.ndarray:
    """The share of each image that is content; only new images are decoded.

    Args:
        files: What reads the images; see `Samples.images`.
        contents: The hashes of their bytes.
        folder: Of the memo.
        boxes: What finds the content, and has a `share`.

    Returns:
        float64 [N] in [0, 1], NaN where an image cannot be read.
    """
    memo = folder / f"shares_{boxes.name}_v{VERSION}.json"
    known: dict[str, float | None] = recall(memo) or {}
    new = {text: file for file, text in zip(files, contents, strict=True) if text not in known}
    if new:
        found = on_cores(partial(_share, boxes=boxes), list(new.values()))
        known |= zip(new, found, strict=True)
        remember(memo, known)
    shares = [known[text] for text in contents]
    return np.array([np.nan if share is None else share for share in shares], dtype=np.float64)


def _share(file: str, boxes: Boxes) -> float | None:
    assert boxes.share is not None
    try:
        return float(boxes.share(read_image(file, None, 1)[0][0]))
    except Exception:  # damaged files make readers raise errors of many kinds
        return None
