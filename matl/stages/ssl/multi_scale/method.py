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


@dataclass
class MultiScaleConfig(LungSSLConfig):
    """Settings of `multi_scale`.

    Attributes:
        whole: Weight of the whole-scan term; 0 turns it off.
        region: Weight of the region term; 0 turns it off.
        identity: Weight of the region-identity term; 0 turns it off. Views do not flip while on.
        temperature: Of both contrastive terms: what similarities are divided by.
        momentum: Of the key encoder: the share that it keeps of itself at each step.
        queue: Keys kept as negatives, never more than a quarter of the training images.
        projection: Width of the projection heads' output.
        region_stride: Stride of the feature map that region features are pooled from.
        regions: What the regions cut: the lung field (`lungs`), or as a control the whole image
            (`image_grid`).
        fields: What stands for the lung field: the lungs that are found (`lungs`), or as a control
            an `ellipse`. `masks` takes a user's own lungs, of the column `mask` of a csv or the
            folder that `data.options.masks` names, and `organs` TotalSegmentator's lobes there.
    """

    whole: float = setting(1.0, least=0.0)
    region: float = setting(1.0, least=0.0)
    identity: float = setting(0.2, least=0.0)
    temperature: float = setting(0.2, above=0.0)
    momentum: float = setting(0.99, least=0.0, most=1.0)
    queue: int = setting(4096, least=1, unit="keys")
    projection: int = setting(128, least=2, unit="features")
    region_stride: int = setting(16, unit="pixels", values="a stride of the network")
    regions: str = setting("lungs", choices=("lungs", "image_grid"))
    fields: str = setting("lungs", choices=("lungs", "masks", "organs", "ellipse"))


class MultiScale(LungSSL):
    """Learns whole lungs and their regions at once, against a queue of keys (ours)."""

    settings = MultiScaleConfig
    VERSION: ClassVar[int] = 1
    paper = "https://arxiv.org/abs/2101.05410"
    assumes = "scans that show both lungs, the patient supine: regions are named by their place"
    passes = (1, 1)
    metric_names = ("whole/accuracy", "region/accuracy", "identity/accuracy")
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
        """The stride of the regions must exist, and a term must be on."""
        if config.region_stride not in strides:
            listed = ", ".join(map(str, strides))
            message = f"{config.region_stride} is no stride of this network; known: {listed}"
            raise SettingError(["region_stride"], message)
        if config.whole + config.region + config.identity == 0:
            message = "whole, region and identity are all 0: nothing would be learned"
            raise SettingError(["whole"], message)

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
