"""What a prediction is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Prediction:
    """What a diagnosis says of images.

    Attributes:
        images: One row per image; see `matl.prediction.tables.image_table`. With overlays a column
            `overlay` names each one's file.
        studies: One row per study, None where none is named; see `group_table` there.
        patients: One row per patient, None where none is named.
        unreadable: Each file that could not be used, and why.
        notes: What a reader should know, a sentence each.
        about: The models and their classes, the threshold, temperature and coverage: what
            `predictions.json` begins with.
        folder: Where it was written, None where it was not.
    """

    images: pd.DataFrame
    studies: pd.DataFrame | None
    patients: pd.DataFrame | None
    unreadable: Sequence[tuple[str, str]]
    notes: Sequence[str]
    about: dict[str, Any]
    folder: Path | None
