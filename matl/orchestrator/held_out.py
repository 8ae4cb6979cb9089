"""The images that a finished run was evaluated on, with their lung fields and known lesions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_modules.digest import digest
from data_modules.formats.pictures import read_image
from data_modules.phantom import lesion_mask
from data_modules.samples import Samples
from matl.errors import MatlError
from matl.evaluation.scored import EVALUATED_SPLITS
from matl.explain.evidence import Pictures
from matl.lungs import region_map
from matl.orchestrator.finished_run import FinishedRun
from matl.stages.settings import size_pair

PHANTOM = "phantom_ct"
"""The one source whose lesions are known."""


@dataclass(frozen=True)
class HeldOut:
    """The images of the test split, or of the validation split where there is no test split.

    Attributes:
        samples: one row an image.
        split: "test" or "val".
        pictures: the images as the network takes them, their lung fields, and their lesions where
            a source of theirs knows them.
    """

    samples: Samples
    split: str
    pictures: Pictures


def held_out(run: FinishedRun) -> HeldOut:
    """Reads the images of a finished run again.

    Raises:
        MatlError: they are no longer those that the run saw.
        DataError: the data set is missing or wrong.
    """
    samples = run.selected()
    for row in run.diagnoses:
        seen = run.store.manifest(run.stored(row)).identity["data"]
        if digest(samples, Path(run.experiment.cache)) != seen:
            raise MatlError(
                f"{samples.root}: the images or labels have changed since the run; run it again"
            )
    samples, cache = run.decoded(samples)
    splits = samples.table["split"]
    split = next(name for name in EVALUATED_SPLITS if (splits == name).any())
    chosen = (splits == split).to_numpy()
    images = np.asarray(cache.images[chosen])
    samples = samples.subset(chosen)
    fields = np.stack([region_map(image) > 0 for image in images])
    lesions = _lesions(samples, size_pair(run.config.size))
    return HeldOut(samples, split, Pictures(images, fields, lesions))


def _lesions(samples: Samples, size: tuple[int, int]) -> np.ndarray | None:
    known = (samples.table["source"] == PHANTOM).to_numpy()
    if not known.any():
        return None
    lesions = np.zeros((len(samples), *size), dtype=bool)
    files = samples.files()
    for number in np.flatnonzero(known):
        mask, _ = read_image(lesion_mask(files[number]), size, channels=1)
        lesions[number] = mask[0] >= 128
    return lesions
