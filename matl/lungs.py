"""The lung field of an axial CT slice, and the six regions that the multi-scale loss cuts it into.

The field is found without training (`matl.lung_fields`). A field that is not plausible is refused:
no field is better than a wrong one, since a scan without a field still enters the *whole* term of
the loss.

Sides are sides of the image. In the radiological convention the image's left is the patient's
right, and in a supine scan the image's top is anterior; neither is known of a figure cut out of
a paper, so neither is assumed. Where the spine is seen on top, the patient lies prone: the regions
are those of the image turned by 180 degrees, so that they keep their anatomy.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matl.lung_fields.masks import Mask, Sides, turned
from matl.lung_fields.own import at_size, sides_of
from matl.lung_fields.posture import reaches_back, spine_on_top
from matl.lung_fields.search import find_lungs, smoothed
from matl.lung_fields.walls import add_dense_lung
from matl.lung_regions import REGIONS as REGIONS
from matl.lung_regions import VERSION as VERSION

WORKING_SIZE = 128  # all lengths of `matl.lung_fields` are pixels of an image of this size


def region_map(
    image: NDArray[np.uint8],
    regions: str = "lungs",
    fields: str = "lungs",
    mask: Mask | None = None,
) -> NDArray[np.uint8]:
    """Label every pixel of an axial slice with its lung region.

    Args:
        image: uint8 [C, H, W], 0 to 255.
        regions: `lungs` cuts the field; `image_grid`, a control, cuts the whole image into two
            columns and three rows and takes all of it for the field, whatever `fields` says.
        fields: `lungs` finds the lungs; `masks` and `organs` take those of `mask`; `ellipse`, a
            control, is the same ellipse in every image.
        mask: The lungs, of any size; None where they are not known.

    Returns:
        uint8 [H, W]: 0 outside the field, k in `REGIONS[k - 1]`. All 0: no plausible field.
    """
    height, width = image.shape[-2:]
    if regions == "image_grid":
        return cut(halves(np.ones((height, width), dtype=bool)))
    if fields == "ellipse":
        return cut(halves(ellipse(height, width)))
    grey = at_working_size(image.mean(axis=0).astype(np.uint8))
    found = find_regions(grey) if fields == "lungs" else own_regions(grey, mask)
    labels = Image.fromarray(found)
    return np.asarray(labels.resize((width, height), Image.Resampling.NEAREST))


def at_working_size(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey slice [H, W], stretched to the size that lungs are looked for in."""
    size = (WORKING_SIZE, WORKING_SIZE)
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR))


def find_regions(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The regions of a grey slice of [128, 128]."""
    sides, smooth = find_lungs(grey), smoothed(grey)
    if not sides.any():
        return sides
    prone = spine_on_top(sides, smooth)
    if prone:
        sides, smooth = turned(sides), np.rot90(smooth, 2)
    sides = add_dense_lung(sides, smooth)
    if not reaches_back(sides > 0, smooth):
        return np.zeros_like(sides)
    labels = cut(sides)
    return np.rot90(labels, 2).copy() if prone else labels


def own_regions(grey: NDArray[np.uint8], mask: Mask | None) -> NDArray[np.uint8]:
    """The regions of lungs that are known, in a grey slice of [128, 128]."""
    if mask is None:
        return np.zeros_like(grey)
    sides = sides_of(at_size(mask, WORKING_SIZE))
    prone = spine_on_top(sides, smoothed(grey))
    labels = cut(turned(sides) if prone else sides)
    return np.rot90(labels, 2).copy() if prone else labels


def cut(sides: Sides) -> NDArray[np.uint8]:
    """Cut each side into thirds of equal area, from top to bottom: [H, W] of 0 to 6."""
    labels = np.zeros(sides.shape, dtype=np.uint8)
    for side in (1, 2):
        lung = sides == side
        area = lung.sum(axis=1)
        middle_of_row = np.cumsum(area) - area / 2
        third = np.minimum(middle_of_row * 3 // max(int(area.sum()), 1), 2).astype(np.uint8)
        labels += lung * (3 * (side - 1) + 1 + third[:, None]).astype(np.uint8)
    return labels


def ellipse(height: int, width: int) -> Mask:
    """The fixed field of the control: an ellipse over the middle of the image, [H, W]."""
    y = (np.arange(height)[:, None] + 0.5) / height - 0.5
    x = (np.arange(width)[None, :] + 0.5) / width - 0.5
    return np.asarray((x / 0.38) ** 2 + (y / 0.30) ** 2 <= 1.0)


def halves(field: Mask) -> Sides:
    """Part a field at the image's middle column."""
    right = np.arange(field.shape[1]) >= field.shape[1] // 2
    return (field * (1 + right)).astype(np.uint8)
