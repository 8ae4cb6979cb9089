"""Images that are too long to be cropped, found by their headers before anything is decoded."""

from collections.abc import Iterable, Iterator

import numpy as np

from data_modules.arrays import in_threads
from data_modules.cache import check_readable, left_out
from data_modules.fit import stored_size
from data_modules.formats.images import try_read_size
from data_modules.formats.places import file_of, place_of
from matl.orchestrator.plan import PlannedStage
from matl.stages.settings import size_pair

LOOKED_AT = 5000
"""Images of a stage whose headers are read; of more, so many are taken evenly."""


def too_long_notes(stages: Iterable[PlannedStage]) -> list[str]:
    """A warning on each stage that leaves out images because they are too long.

    Raises:
        DataError: A stage has such images and `on_bad_image` is "stop", as when they are decoded.
    """
    return list(_notes(stages))


def _notes(stages: Iterable[PlannedStage]) -> Iterator[str]:
    for stage in stages:
        too_long = _too_long(stage) if stage.config.fit == "crop" else {}
        check_readable(stage.samples, too_long, stage.config.data.on_bad_image)
        if too_long:
            more = len(stage.samples) > LOOKED_AT
            part = f" (at least: {LOOKED_AT:,} were looked at)" if more else ""
            yield f"{stage.name}: {left_out(stage.samples, too_long)}{part}"


def _too_long(stage: PlannedStage) -> dict[int, str]:
    """Why an image cannot be cropped, by its row."""
    paths = stage.samples.images()
    rows = np.linspace(0, len(paths) - 1, min(LOOKED_AT, len(paths))).astype(int).tolist()
    files = list(dict.fromkeys(file_of(str(paths[row])) for row in rows))
    sizes = dict(zip(files, in_threads(try_read_size, files), strict=True))
    found = {}
    for row in rows:
        size = sizes[file_of(str(paths[row]))]
        try:
            if size and place_of(str(paths[row])).zoom is None:  # else its middle is looked at
                stored_size(size, size_pair(stage.config.size), stage.config.fit)
        except ValueError as error:
            found[row] = str(error)
    return found
