"""What an audit keeps of each image: a preview, keypoints and measures, of one decoding."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from data_modules.audit.alignment import SIDE
from data_modules.audit.keypoints import Keypoints, keypoints
from data_modules.audit.measures import measure
from data_modules.cores import on_cores
from data_modules.formats.images import read_image


class Look(NamedTuple):
    """What is kept of an image.

    Attributes:
        preview: The image stretched to a square, uint8 [SIDE, SIDE].
        keypoints: As `data_modules.audit.keypoints` finds them.
        measures: As `data_modules.audit.measures.MEASURES` names them.
    """

    preview: np.ndarray
    keypoints: Keypoints
    measures: list[float | str]


def look_at(files: Sequence[str]) -> list[Look | None]:
    """Decode images, in a process per core; None for each that cannot be read.

    Args:
        files: What reads them; see `Samples.images`.
    """
    return list(on_cores(_look, files))


def _look(file: str) -> Look | None:
    try:
        pixels, _ = read_image(file, None, 3)
        grey = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("L")
        way = Image.Resampling.BOX if min(grey.size) > 2 * SIDE else Image.Resampling.BILINEAR
        preview = np.asarray(grey.resize((SIDE, SIDE), way))
        return Look(preview, keypoints(np.asarray(grey)), measure(file, pixels))
    except Exception:  # damaged files make Pillow raise errors of many kinds
        return None
