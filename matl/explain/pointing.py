"""The pointing game: whether the maximum of a map is in the lesion, where the lesion is known.

Zhang et al., "Top-down Neural Attention by Excitation Backprop", https://arxiv.org/abs/1608.00507.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage

from matl.evaluation.metrics import Estimate
from matl.explain.intervals import mean_by_patient

TOLERANCE = 0.03
"""Of the image's shorter side: 15 pixels of the 500 that the game was introduced on."""


@dataclass(frozen=True)
class Pointing:
    """The share of hits of a method's maps.

    Attributes:
        method: whose maps.
        images: of the positive class, with a lesion.
        patients: that they are of.
        empty: of these images, those whose map is 0 everywhere; they count as misses.
        hits: share of the images whose largest place is in the lesion or within the tolerance.
        chance: what a place of the map drawn at random hits.
        chance_in_lungs: what one drawn among the places in the lung field hits, over the images
            that have such a place.
        possible: share of the images in which some place of the map would hit.
        difference: hits minus chance, image by image.
    """

    method: str
    images: int
    patients: int
    empty: int
    hits: Estimate
    chance: Estimate
    chance_in_lungs: Estimate
    possible: Estimate
    difference: Estimate


def tolerance_of(size: tuple[int, int]) -> int:
    """The tolerance in pixels of images of this height and width, at least 1."""
    return max(1, round(TOLERANCE * min(size)))


def widened(lesions: np.ndarray) -> np.ndarray:
    """The pixels within the tolerance of a lesion, bool [N, H, W] -> [N, H, W]."""
    tolerance = tolerance_of((lesions.shape[1], lesions.shape[2]))
    wide = np.zeros_like(lesions)
    for number in np.flatnonzero(lesions.any(axis=(1, 2))):
        wide[number] = ndimage.distance_transform_edt(~lesions[number]) <= tolerance
    return wide


def at_centres(masks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """What masks hold at the centre of each place of a map.

    Maps are compared with lesions at their own resolution: enlarged, a maximum at the border
    becomes a plateau, of which a search would take a corner.

    Args:
        masks: bool [N, H, W].
        shape: h and w, the places of the map.

    Returns:
        bool [N, h, w].
    """
    rows, columns = (
        ((np.arange(places) + 0.5) * pixels / places).astype(int)
        for places, pixels in zip(shape, masks.shape[1:], strict=True)
    )
    return masks[:, rows[:, None], columns]


def point(
    maps: Mapping[str, np.ndarray], table: pd.DataFrame, lesions: np.ndarray, fields: np.ndarray
) -> list[Pointing]:
    """Plays the game on images that all have a lesion.

    Args:
        maps: float [N, h, w] by method, at least 0.
        table: one row per image, with `source` and `patient`.
        lesions: bool [N, H, W].
        fields: the lung fields, bool [N, H, W]; empty where none was found.
    """
    targets = widened(lesions)
    return [_point(method, one, table, targets, fields) for method, one in maps.items()]


def _point(
    method: str, maps: np.ndarray, table: pd.DataFrame, targets: np.ndarray, fields: np.ndarray
) -> Pointing:
    shape = (maps.shape[1], maps.shape[2])
    good, in_lungs = (
        at_centres(masks, shape).reshape(len(maps), -1) for masks in (targets, fields)
    )
    flat = maps.reshape(len(maps), -1)
    empty = ~(flat > 0).any(axis=1)
    lungs = in_lungs.sum(axis=1)
    columns = {
        "hits": good[np.arange(len(flat)), flat.argmax(axis=1)] & ~empty,
        "chance": good.mean(axis=1),
        "chance_in_lungs": np.where(lungs, (good & in_lungs).sum(axis=1) / lungs.clip(1), np.nan),
        "possible": good.any(axis=1),
    }
    columns["difference"] = columns["hits"] - columns["chance"]
    return Pointing(
        method=method,
        images=len(table),
        patients=len(table.drop_duplicates(["source", "patient"])),
        empty=int(empty.sum()),
        **{
            name: mean_by_patient(pd.Series(values, table.index), table)
            for name, values in columns.items()
        },
    )
