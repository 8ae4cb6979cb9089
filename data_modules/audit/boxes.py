"""Where in an image its content lies, so that copies that were cropped otherwise compare."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as shares of the image's width and height, each in [0, 1]."""


@dataclass(frozen=True)
class Boxes:
    """What finds the box of an image's content.

    Attributes:
        name: Of the finder, letters of a file name; another one whenever it may find another box.
        find: Takes a grey image, uint8 [H, W], and returns its box, or None where it has none. A
            function of a module: it is called in several processes.
        share: Takes the same, and returns which share of the image is content, in [0, 1]; None
            where nobody can say.
    """

    name: str
    find: Callable[[np.ndarray], Box | None]
    share: Callable[[np.ndarray], float] | None = None
