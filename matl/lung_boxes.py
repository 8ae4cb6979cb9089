"""The lungs of a slice: their box, within which copies look alike, and their share of the slice."""

import numpy as np

from data_modules.audit.boxes import Box, Boxes
from matl.lung_regions import VERSION


def lung_box(grey: np.ndarray) -> Box | None:
    """The box of the air of both lungs in a slice, uint8 [H, W]; None where no lung is found."""
    lungs = _air(grey)
    if not lungs.any():
        return None
    rows, columns = (np.flatnonzero(lungs.any(axis=axis)) for axis in (1, 0))
    height, width = lungs.shape
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


def lung_share(grey: np.ndarray) -> float:
    """Which share of a slice, uint8 [H, W], is the air of both lungs; 0 where no lung is found."""
    return float(_air(grey).mean())


def _air(grey: np.ndarray) -> np.ndarray:
    """The air of both lungs, bool [128, 128].

    Dense lung is left out: it is slow to find, and neither use needs it.
    """
    from matl.lung_fields.search import find_lungs
    from matl.lungs import at_working_size

    return np.asarray(find_lungs(at_working_size(grey)) > 0)


LUNG_BOXES = Boxes(f"lungs-{VERSION}", lung_box, lung_share)
