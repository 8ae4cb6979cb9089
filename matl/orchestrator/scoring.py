"""Scores of a trained diagnosis, on one device, each image exactly once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matl.errors import MatlError
from matl.evaluation.class_metrics import CLASS, class_columns
from matl.spreadsheet import csv_bytes, read_csv
from matl.stages.scorer import Scorer

if TYPE_CHECKING:
    import torch

    from data_modules.module import ImageDataModule
    from matl.stages.base import Stage

SCORING_VERSION = 1
"""Raised whenever the same weights may score an image otherwise."""


def read_scores(file: Path) -> pd.DataFrame:
    """What `score_samples` returned, from the CSV file that keeps it."""
    text = {"image": str, "patient": str, "source": str, "split": str, CLASS: str}
    return read_csv(file.read_bytes(), dtype=text)


def write_scores(scores: pd.DataFrame, file: Path) -> None:
    """Writes what `score_samples` returned as CSV."""
    file.write_bytes(csv_bytes(scores))


def averaged(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The mean of several models' scores of the same images.

    Args:
        tables: What `score_samples` returned of each.

    Raises:
        MatlError: They are not of the same images.
    """
    first = tables[0]
    if any(not table["image"].equals(first["image"]) for table in tables):
        raise MatlError("the seeds of an ensemble have not scored the same images; run it again")
    columns = first.filter(like="score").columns
    means = {name: np.mean([table[name] for table in tables], axis=0) for name in columns}
    return first.assign(**means)


def score_samples(
    stage: "Stage",
    data: "ImageDataModule",
    splits: tuple[str, ...],
    device: "torch.device",
) -> pd.DataFrame:
    """Scores splits in 32-bit floats.

    Returns:
        Columns image, patient, source, split, label (1 = positive class) and score (probability of
        the positive class), one row per image; multi-class instead of the last two class (its
        name) and, for each class, score_<class> (its probability).

    Raises:
        MatlError: A score is no number.
    """
    parts = [_score_split(stage, data, split, device) for split in splits]
    scores = pd.concat([part for part in parts if len(part)], ignore_index=True)
    numbers = scores.filter(like="score").to_numpy()
    wrong = scores["image"][~np.isfinite(numbers).all(axis=1)]
    if len(wrong):
        raise MatlError(
            f"{len(wrong)} of {len(scores)} scores are no numbers (such as that of "
            f"{wrong.iloc[0]}): the network has diverged; nothing of it is stored"
        )
    return scores


def _score_split(
    stage: "Stage", data: "ImageDataModule", split: str, device: "torch.device"
) -> pd.DataFrame:
    import torch

    stage = stage.to(device).eval()
    assert isinstance(stage, Scorer)
    scores, rows = [], []
    with torch.no_grad():
        for batch in data.eval_loader(split):
            seen = {name: batch[name].to(device) for name in ("image", "extent")}
            scores.append(stage.scores(seen).cpu().numpy())
            rows.append(batch["index"].numpy())
    table = data.samples.table
    if not rows:
        return pd.DataFrame()
    at = np.concatenate(rows)
    result = table.iloc[at][["path", "patient", "source", "split"]].reset_index(drop=True)
    result = result.rename(columns={"path": "image"})
    label, probabilities = data.samples.targets()[at], np.concatenate(scores).astype(float)
    if probabilities.ndim == 2:
        return result.assign(**class_columns(label, probabilities, data.samples.classes))
    return result.assign(label=label, score=probabilities)
