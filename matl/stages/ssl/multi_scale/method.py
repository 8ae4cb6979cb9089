"""What matl asks of the method `multi_scale`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from data_modules.ragged import Ragged
from data_modules.samples import Samples
from matl.errors import SettingError
from matl.lung_regions import REGIONS
from matl.lung_regions import VERSION as LUNGS_VERSION
from matl.stages.settings import StageConfig, setting
from matl.stages.ssl.task import LungSSL, LungSSLConfig
from matl.stages.task import Derived

MASK = "mask"
"""The column of the samples that names each image's own lung mask."""

OWN_FIELDS = ("masks", "organs")

TERMS = ("whole", "region", "identity", "cross_scale", "local", "restoration")
"""The terms of the loss; a setting of the same name is the weight of each."""

LAST = "last"
STRIDES = "`last`, a stride of the network, or a list of several"


@dataclass
class MultiScaleConfig(LungSSLConfig):
    """Settings of `multi_scale`.

    Attributes:
        whole: Weight of the whole-scan term; 0 turns it off.
        region: Weight of the region term; 0 turns it off.
        identity: Weight of the region-identity term; 0 turns it off. Views do not flip while on.
        cross_scale: Weight of predicting the whole scan from its regions; 0 turns it off.
        local: Weight of recognising the whole scan in small parts of it; 0 turns it off.
        restoration: Weight of restoring a view that was distorted; 0 turns it off.
        temperature: Of both contrastive terms: what similarities are divided by.
        momentum: Of the key encoder: the share that it keeps of itself at each step.
        queue: Keys kept as negatives, never more than a quarter of the training images.
        projection: Width of the projection heads' output.
        crops: Small parts of each scan that the term *local* looks at, half as wide as a view.
        crop: Least and largest area of such a part, as `views.crop`.
        whole_stride: Stride of the map that features of the whole lung are pooled from; of several,
            the channels are joined.
        region_stride: Stride of the map, or maps, that features of the regions are pooled from.
        identity_stride: Stride of the map, or maps, that a region's name is read from.
        regions: What the regions cut: the lung field (`lungs`), or as a control the whole image
            (`image_grid`).
        fields: What stands for the lung field: the lungs that are found (`lungs`), or as a control
            an `ellipse`. `masks` takes a user's own lungs, of the column `mask` of a csv or the
            folder that `data.options.masks` names, and `organs` TotalSegmentator's lobes there.
    """

    whole: float = setting(1.0, least=0.0)
    region: float = setting(1.0, least=0.0)
    identity: float = setting(0.2, least=0.0)
    cross_scale: float = setting(0.0, identity="where set", least=0.0)
    local: float = setting(0.0, identity="where set", least=0.0)
    restoration: float = setting(0.0, identity="where set", least=0.0)
    crops: int = setting(2, identity="where set", least=1, unit="views of a scan")
    crop: list[float] = setting(
        [0.1, 0.4], identity="where set", above=0.0, most=4.0, unit="share of the area"
    )
    temperature: float = setting(0.2, above=0.0)
    momentum: float = setting(0.99, least=0.0, most=1.0)
    queue: int = setting(4096, least=1, unit="keys")
    projection: int = setting(128, least=2, unit="features")
    whole_stride: Any = setting(LAST, unit="pixels", values=STRIDES, identity="where set")
    region_stride: Any = setting(16, unit="pixels", values=STRIDES)
    identity_stride: Any = setting(16, unit="pixels", values=STRIDES, identity="where set")
    regions: str = setting("lungs", choices=("lungs", "image_grid"))
    fields: str = setting("lungs", choices=("lungs", "masks", "organs", "ellipse"))


class MultiScale(LungSSL):
    """Learns whole lungs and their regions at once, against a queue of keys (ours)."""

    settings = MultiScaleConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2101.05410"
    assumes = "scans that show both lungs, the patient supine: regions are named by their place"
    passes = (1, 1)
    metric_names = (
        "whole/accuracy",
        "region/accuracy",
        "identity/accuracy",
        "cross_scale/accuracy",
        "local/accuracy",
        "restoration/removed",
    )
    references: ClassVar[Mapping[str, Mapping[str, str | float]]] = {
        "identity/accuracy": {
            "position alone": "identity/position_alone",
            "chance": 1 / len(REGIONS),
        }
    }
    smaller_batch = (
        "the region term finds negatives in fewer scans, the whole term's queue stays the same"
    )
    least_images = 4  # a quarter of them are kept as negatives
    module = "matl.stages.ssl.multi_scale.stage:MultiScaleStage"

    @classmethod
    def versions(cls, config: StageConfig) -> dict[str, Any]:
        """Versions of the method and of the lung fields."""
        return super().versions(config) | {"lungs": LUNGS_VERSION}

    @classmethod
    def check_settings(cls, config: MultiScaleConfig, strides: Sequence[int]) -> None:
        """The strides must exist, and a term must be on."""
        for name in ("whole_stride", "region_stride", "identity_stride"):
            chosen = strides_of(getattr(config, name), max(strides))
            if unknown := [one for one in chosen if one not in strides]:
                listed = ", ".join(map(str, strides))
                message = f"{unknown[0]} is no stride of this network; known: {listed}"
                raise SettingError([name], message)
            if not chosen:
                raise SettingError([name], "is empty; name a stride")
        if not any(getattr(config, term) for term in TERMS):
            message = f"{', '.join(TERMS)} are all 0: nothing would be learned"
            raise SettingError(["whole"], message)
        for name in ("cross_scale", "local"):
            if getattr(config, name) > 0 and config.whole == 0:
                message = "needs the term whole: it predicts what that one learns; set whole, too"
                raise SettingError([name], message)

    @classmethod
    def derived(cls, config: MultiScaleConfig) -> tuple[Derived, ...]:
        """The regions of each scan, uint8 [h, w]."""
        name = f"regions-{config.regions}-{config.fields}"
        extract = partial(_region_map, regions=config.regions, fields=config.fields)
        column = MASK if config.fields in OWN_FIELDS else ""
        return (Derived("regions", name, LUNGS_VERSION, extract, column),)

    @classmethod
    def check_images(cls, samples: Samples, config: MultiScaleConfig) -> None:
        """Masks must be there where they are asked for."""
        super().check_images(samples, config)
        if config.fields in OWN_FIELDS and not any(samples.named_files(MASK)):
            raise SettingError(
                ["fields"],
                f"{config.fields}: no image has a mask; name them in the column mask of a csv, or "
                "their folder by data.options.masks",
            )

    @classmethod
    def notes(cls, derived: Mapping[str, Ragged], config: MultiScaleConfig) -> tuple[str, ...]:
        """How many scans have no lung field, of which only the *whole* term learns."""
        regions = derived["regions"]
        lost = sum(not one.any() for one in regions)
        if not lost:
            return ()
        warning = "WARNING: " if lost > len(regions) / 2 else ""
        found, remedy = "was found in", " (fields=ellipse gives all the same one)"
        if config.fields in OWN_FIELDS:
            found, remedy = "is in the masks of", ""
        return (
            f"{warning}no lung field {found} {lost} of {len(regions)} images: the terms region and "
            f"identity do not learn from them{remedy}",
        )

    @classmethod
    def facts(cls, samples: Samples, config: MultiScaleConfig) -> dict[str, Any]:
        """How many images are trained on: the queue holds at most a quarter as many keys."""
        return {"images": len(samples)}


def _region_map(
    image: np.ndarray,
    file: Path | None = None,
    size: tuple[int, int] = (0, 0),
    *,
    regions: str,
    fields: str,
) -> np.ndarray:
    from matl.lung_fields.own import read_lungs
    from matl.lungs import region_map

    mask = read_lungs(file, size, fields == "organs") if file else None
    return region_map(image, regions, fields, mask)


def strides_of(value: Any, last: int) -> list[Any]:
    """The strides that a setting names.

    Args:
        value: `last`, a stride, or a list of these.
        last: The network's last one.
    """
    named = value if isinstance(value, list) else [value]
    return [last if one == LAST else one for one in named]
