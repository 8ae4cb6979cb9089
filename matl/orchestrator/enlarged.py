"""Which stages enlarge their images, so that a network looks at pixels that nobody took."""

from collections.abc import Iterable
from statistics import median

import numpy as np

from data_modules.fit import scale
from data_modules.formats.images import try_read_size
from matl.orchestrator.plan import PlannedStage
from matl.stages.settings import size_pair

LOOKED_AT = 200
"""Images of a stage whose sizes are read from their headers."""


def enlarged_notes(stages: Iterable[PlannedStage]) -> list[str]:
    """A line on each stage that enlarges images; a warning where it enlarges most of them."""
    return [note for stage in stages if (note := _note(stage))]


def _note(stage: PlannedStage) -> str:
    config, samples = stage.config, stage.samples
    rows = np.linspace(0, len(samples) - 1, min(LOOKED_AT, len(samples))).astype(int)
    files = (samples.root / path for path in samples.table["path"].iloc[rows])
    sizes = [size for file in files if (size := try_read_size(file))]
    factors = [scale(size, size_pair(config.size), config.fit) for size in sizes]
    enlarged = [factor for factor in factors if factor > 1]
    if not enlarged:
        return ""
    sides = median(min(size) for size in sizes)
    warning = "WARNING: " if len(enlarged) > len(sizes) / 2 else ""
    return (
        f"{warning}{stage.name} enlarges {len(enlarged)} of {len(sizes)} images looked at, by "
        f"{median(enlarged):.1f} times in the median: its size is {config.size}, and their shorter "
        f"side {sides:g} pixels in the median"
    )
