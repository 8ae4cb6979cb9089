"""The floor of a diagnosis, kept in the store by what it is computed from."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from matl.evaluation.class_metrics import PROBABILITY, check_class_scores
from matl.evaluation.floor import FLOOR_VERSION, Floor, fit_floor, floor_scores, grey_features
from matl.evaluation.metrics import check_scores
from matl.files import read_whole, replace_file
from matl.orchestrator.classes import classes_apart
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.stage_images import Images
from matl.orchestrator.store import Store
from matl.sealed import sealed, unsealed
from matl.stages.settings import size_pair
from matl.typed_json import typed


@dataclass(frozen=True)
class KeptFloor:
    """The floor of a diagnosis.

    Attributes:
        fitted: On its training images.
        scores: Of its validation and test images; see `matl.evaluation.floor.floor_scores`.
    """

    fitted: Floor
    scores: pd.DataFrame


def floor_of(stage: PlannedStage, store: Store, images: Callable[[], Images]) -> KeptFloor:
    """The floor of a diagnosis; one that is damaged is computed again.

    Args:
        stage: The diagnosis.
        store: Where the floor is kept, if it can be written.
        images: Opens the diagnosis's images, where the floor is not in the store yet.
    """
    file = store.floor(_key(stage))
    with suppress(OSError, ValueError):
        return read_floor(file)
    opened = images()
    table, targets = opened.samples.table, opened.samples.targets()
    features = grey_features(opened.cache.images, opened.cache.sizes)
    classes = classes_apart(opened.samples)
    fitted = fit_floor(table, features, targets, len(opened.samples.classes))
    scores = floor_scores(fitted, table, features, targets, classes)
    with suppress(OSError):  # another user's store, which is read only
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = {name: scores[name].to_list() for name in scores}
        replace_file(file, sealed({"fitted": asdict(fitted), "scores": rows}))
    return KeptFloor(fitted, scores)


def read_floor(file: Path) -> KeptFloor:
    """A floor that the store keeps.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is damaged.
    """
    values = unsealed(read_whole(file))
    if not {"fitted", "scores"} <= values.keys():
        raise ValueError(f"{file} holds no floor")
    rows = pd.DataFrame(typed(dict[str, list[Any]], values["scores"]))
    several = [name.removeprefix(PROBABILITY) for name in rows.filter(like=PROBABILITY).columns]
    scores = check_class_scores(rows, several) if several else check_scores(rows)
    return KeptFloor(typed(Floor, values["fitted"]), scores)


def data_key(stage: PlannedStage) -> list[Any]:
    """What decides a stage's images as its network is given them, as plain values."""
    return [
        stage.identity["data"],
        stage.identity["versions"]["pixels"],
        stage.identity["backbone"]["in_channels"],
        *size_pair(stage.config.size),
        stage.config.fit,
        stage.config.data.on_bad_image,
    ]


def _key(stage: PlannedStage) -> str:
    parts = [FLOOR_VERSION, *data_key(stage)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
