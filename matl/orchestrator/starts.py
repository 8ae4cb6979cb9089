"""What a backbone promises to a diagnosis that begins from it, kept in the store."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matl.config import Experiment
from matl.errors import MatlError
from matl.files import read_whole, replace_file
from matl.names import BACKBONE
from matl.orchestrator.floors import data_key
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.stage_images import Images
from matl.orchestrator.store import Store
from matl.sealed import sealed, unsealed
from matl.seeding import derive
from matl.stages.settings import size_pair
from matl.typed_json import typed

START_VERSION = 1
"""Raised whenever the same weights and images may promise something else."""
MOST = 4096
"""Training images that are looked at, at most."""


class Start(NamedTuple):
    """A backbone that a diagnosis begins from, or could.

    Attributes:
        parent: Fingerprint of the stage that left it; None for the chain's first backbone.
        transfer: Which of its weights are carried over.
    """

    parent: str | None
    transfer: str = "all"


@dataclass(frozen=True)
class StartScores:
    """What a backbone promises; see `matl.evaluation.transferability`.

    Attributes:
        images: Labelled training images of the diagnosis that it was computed from.
        log_me, h_score, trans_rate: More is better.
    """

    images: int
    log_me: float
    h_score: float
    trans_rate: float


def own_start(diagnosis: PlannedStage) -> Start:
    """What a diagnosis begins from."""
    return Start(diagnosis.parent, diagnosis.config.transfer if diagnosis.parent else "all")


def start_scores(
    start: Start,
    diagnosis: PlannedStage,
    experiment: Experiment,
    store: Store,
    images: Callable[[], Images],
) -> StartScores | None:
    """What a backbone promises to a diagnosis; one that is damaged is computed again.

    It is computed from training images alone, on a GPU where there is one, in 32-bit floats.

    Args:
        start: The backbone; its stage is in the store.
        diagnosis: What would begin from it.
        experiment: Whose network.
        store: Where the scores are kept, if it can be written.
        images: Opens the diagnosis's images, where the scores are not in the store yet.

    Returns:
        The scores; None where the backbone's features are no numbers.
    """
    file = store.start(_key(start, diagnosis, store))
    with suppress(OSError, ValueError):
        return read_start(file)
    scores = _computed(start, diagnosis, experiment, store, images())
    if scores is not None:
        with suppress(OSError):  # another user's store, which is read only
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, sealed(asdict(scores)))
    return scores


def kept_start(start: Start, diagnosis: PlannedStage, store: Store) -> StartScores | None:
    """What the store keeps of `start_scores`; None where it keeps nothing, or it is damaged."""
    with suppress(OSError, ValueError, MatlError):
        return read_start(store.start(_key(start, diagnosis, store)))
    return None


def read_start(file: Path) -> StartScores:
    """Scores that the store keeps.

    Raises:
        FileNotFoundError: There are none.
        ValueError: They are damaged.
    """
    return typed(StartScores, unsealed(read_whole(file)))


def _key(start: Start, diagnosis: PlannedStage, store: Store) -> str:
    identity = diagnosis.identity
    weights = store.manifest(start.parent).sha256[BACKBONE] if start.parent else None
    whole = start.transfer == "all" and weights is not None
    parts = [
        START_VERSION,
        *data_key(diagnosis),
        *(identity["backbone"], identity["versions"]["backbone"]),
        *(weights, start.transfer),
        None if whole else diagnosis.seed,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _computed(
    start: Start, diagnosis: PlannedStage, experiment: Experiment, store: Store, images: Images
) -> StartScores | None:
    import torch

    from data_modules.module import ImageDataModule
    from matl.evaluation.transferability import h_score, log_me, trans_rate
    from matl.orchestrator.job import initial_backbone
    from matl.stages.pooled import plain_features
    from matl.views import Fitting

    config, seed = diagnosis.config, diagnosis.seed
    data = ImageDataModule(
        images.samples, images.cache, batch_size=config.batch_size, seed=seed, task=config.task
    )
    weights = store.file(start.parent, BACKBONE) if start.parent else None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone = initial_backbone(experiment, weights, start.transfer, seed).to(device).eval()
    rows = _rows(images)
    fitting = Fitting(size_pair(config.size), config.fit)
    with torch.no_grad():
        found = plain_features(backbone, data.loader_of(rows), fitting, device).numpy()
    if not np.isfinite(found).all():
        return None
    features, classes = found.astype(np.float64), images.samples.targets()[rows]
    measures = (log_me, h_score, trans_rate)
    return StartScores(len(rows), *(measure(features, classes) for measure in measures))


def _rows(images: Images) -> np.ndarray:
    """Labelled training images, drawn where there are many."""
    samples = images.samples
    labelled = (samples.table["label"] != "") & (samples.table["split"] == "train")
    rows = np.flatnonzero(labelled)
    random = np.random.default_rng(derive("starts"))
    return np.sort(random.permutation(rows)[:MOST])
