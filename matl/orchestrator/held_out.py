"""The images that a finished run was evaluated on, with their lung fields and known lesions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from data_modules.digest import digest
from data_modules.formats.images import read_image
from data_modules.phantom import lesion_mask
from data_modules.samples import Samples
from matl.errors import MatlError
from matl.evaluation.scored import EVALUATED_SPLITS
from matl.explain.evidence import Pictures
from matl.lungs import region_map
from matl.orchestrator.finished_run import FinishedRun
from matl.stages.settings import StageConfig, size_pair
from matl.views import Fitting, plain_view

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
    images = [cache.images[row] for row in np.flatnonzero(chosen).tolist()]
    samples = samples.subset(chosen)
    return HeldOut(samples, split, _pictures(images, samples, run.config))


def _pictures(images: Sequence[np.ndarray], samples: Samples, config: StageConfig) -> Pictures:
    fitting = Fitting(size_pair(config.size), config.fit)
    known = (samples.table["source"] == PHANTOM).to_numpy()
    seen = []
    for image, file, has_lesion in zip(images, samples.files(), known, strict=True):
        field = np.where(region_map(image) > 0, 255, 0).astype(np.uint8)
        lesion = np.zeros_like(field)
        if has_lesion:
            lesion = read_image(lesion_mask(file), fitting.size, 1, fitting.fit)[0][0]
        layers = torch.from_numpy(np.concatenate([image, field[None], lesion[None]]))
        seen.append(plain_view(layers[None], fitting).image[0].numpy())
    views = np.stack(seen)
    lesions = views[:, -1] >= 0.5 if known.any() else None
    return Pictures(views[:, :-2], views[:, -2] >= 0.5, lesions)
