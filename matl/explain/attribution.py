"""How much of a map is in the lung field, by class and by right or wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from matl.evaluation.metrics import Estimate
from matl.explain.intervals import mean_by_patient

ALL = "all"
OUTCOMES = ("right", "wrong")
LUNG_SHARE = "lung_share"


@dataclass(frozen=True)
class LungShare:
    """The mean share of a method's maps inside the lungs, over a group of images.

    Attributes:
        method: whose maps.
        label: class of the images, or "all".
        outcome: "right" or "wrong" at the threshold, or "all".
        images: that have a lung field and a map.
        patients: that they are of.
        empty: images of the group with a lung field whose map is 0 everywhere.
        share: of the map inside the lungs.
        lungs: the lungs' share of the image, which a uniform map would get.
        difference: share minus lungs, image by image.
    """

    method: str
    label: str
    outcome: str
    images: int
    patients: int
    empty: int
    share: Estimate
    lungs: Estimate
    difference: Estimate


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear enlargement of maps [B, h, w] to height and width in pixels, as Grad-CAM is shown.

    Places beyond the centres of the outermost ones repeat them.
    """
    wide = F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False)
    return wide.squeeze(1)


def share_inside(maps: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """The share of each map that lies within a field.

    Args:
        maps: float [N, h, w], at least 0, of any resolution.
        fields: bool [N, H, W].

    Returns:
        float64 [N] in [0, 1]; NaN where the map is 0 everywhere or the field is empty.
    """
    inside = np.full(len(maps), np.nan)
    for number, (one, field) in enumerate(zip(maps, fields, strict=True)):
        size = (field.shape[0], field.shape[1])
        wide = enlarge(torch.from_numpy(one[None]).double(), size)[0].numpy()
        if field.any() and wide.sum() > 0:
            inside[number] = wide[field].sum() / wide.sum()
    return inside


def lung_shares(
    table: pd.DataFrame, methods: Sequence[str], classes: Sequence[str]
) -> list[LungShare]:
    """The shares of all images, of each class, of right and wrong ones, and of each of both.

    Args:
        table: one row an image: `label`, `outcome`, `source`, `patient`, `lung_share` (NaN where
            no field was found), and a column of shares for each method.
        methods: names of those columns.
        classes: the classes' names, in the order of the table.
    """
    found = table[table[LUNG_SHARE].notna()]
    return [
        _lung_share(group, method, label, outcome)
        for method in methods
        for label, outcome, group in _groups(found, classes)
    ]


def _groups(table: pd.DataFrame, classes: Sequence[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    for label in (ALL, *classes):
        of_class = table if label == ALL else table[table["label"] == label]
        for outcome in (ALL, *OUTCOMES):
            rows = of_class if outcome == ALL else of_class[of_class["outcome"] == outcome]
            yield label, outcome, rows


def _lung_share(group: pd.DataFrame, method: str, label: str, outcome: str) -> LungShare:
    kept = group[group[method].notna()]
    return LungShare(
        method=method,
        label=label,
        outcome=outcome,
        images=len(kept),
        patients=len(kept.drop_duplicates(["source", "patient"])),
        empty=len(group) - len(kept),
        share=mean_by_patient(kept[method], kept),
        lungs=mean_by_patient(kept[LUNG_SHARE], kept),
        difference=mean_by_patient(kept[method] - kept[LUNG_SHARE], kept),
    )
