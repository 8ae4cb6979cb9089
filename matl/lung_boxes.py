"""The box of the lungs, within which copies of a slice are alike however they were cropped."""

import numpy as np

from data_modules.audit.boxes import Box, Boxes
from matl.lung_regions import VERSION


def lung_box(grey: np.ndarray) -> Box | None:
    """The box of the air of both lungs in a slice, uint8 [H, W]; None where no lung is found.

    Dense lung is left out: it is slow to find, and what is compared needs no exact box.
    """
    from matl.lung_fields.search import find_lungs
    from matl.lungs import at_working_size

    lungs = find_lungs(at_working_size(grey)) > 0
    if not lungs.any():
        return None
    rows, columns = (np.flatnonzero(lungs.any(axis=axis)) for axis in (1, 0))
    height, width = lungs.shape
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


LUNG_BOXES = Boxes(f"lungs-{VERSION}", lung_box)
