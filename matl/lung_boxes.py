"""The lung field's box, within which copies of a slice are alike however they were cropped."""

import numpy as np

from data_modules.audit.boxes import Box, Boxes
from matl.lung_regions import VERSION


def lung_box(grey: np.ndarray) -> Box | None:
    """The box of the lung field of a slice, uint8 [H, W]; None where no field is found."""
    from matl.lungs import region_map

    field = region_map(grey[None]) > 0
    if not field.any():
        return None
    rows, columns = (np.flatnonzero(field.any(axis=axis)) for axis in (1, 0))
    height, width = field.shape
    return columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height


LUNG_BOXES = Boxes(f"lungs-{VERSION}", lung_box)
