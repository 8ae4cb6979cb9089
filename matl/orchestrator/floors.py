"""The floor of a diagnosis, kept in the store by what it is computed from."""

import hashlib
import json
from collections.abc import Callable

import pandas as pd

from matl.evaluation.floor import FLOOR_VERSION, floor_scores, grey_features
from matl.files import replace_file
from matl.orchestrator.classes import classes_apart
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.stage_images import Images
from matl.orchestrator.store import Store
from matl.stages.settings import size_pair


def floor_of(stage: PlannedStage, store: Store, images: Callable[[], Images]) -> pd.DataFrame:
    """Scores of the floor on the validation and test images of a diagnosis.

    Args:
        stage: The diagnosis.
        store: Where the floor is kept.
        images: Opens the diagnosis's images, where the floor is not in the store yet.
    """
    file = store.floor(_key(stage))
    if not file.is_file():
        opened = images()
        features = grey_features(opened.cache.images, opened.cache.sizes)
        labels, classes = opened.samples.targets(), classes_apart(opened.samples)
        scores = floor_scores(opened.samples.table, features, labels, classes=classes)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, scores.to_csv(index=False).encode())
    return read_scores(file)


def _key(stage: PlannedStage) -> str:
    parts = [
        FLOOR_VERSION,
        stage.identity["data"],
        stage.identity["versions"]["pixels"],
        stage.identity["backbone"]["in_channels"],
        *size_pair(stage.config.size),
        stage.config.data.on_bad_image,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
