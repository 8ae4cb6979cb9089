"""The sides of the primary comparison on an ablation's page: curves, confusion, training."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from matl.ablation.record import Tested
from matl.ablation.stored_record import damaged
from matl.evaluation.confusion import confusions
from matl.evaluation.groups import by_patient
from matl.evaluation.html.picture import Picture
from matl.evaluation.html.run_pictures import score_pictures, training_pictures
from matl.evaluation.html.run_tables import source_table
from matl.evaluation.metrics import THRESHOLD
from matl.evaluation.record import RunRecord
from matl.evaluation.stored_record import CURVES, PREDICTIONS, read_curves, read_diagnoses
from matl.evaluation.tables import PATIENT_CAPTION

TRAINING = "mean over the finished seeds and folds of the primary comparison"


def sides(tested: Tested, folder: Path) -> dict[str, Any] | None:
    """What the page shows of the sides' pooled scores; None before a seed has finished them.

    Args:
        tested: What the primary comparison is tested on.
        folder: Which holds `predictions.csv`, from `matl.ablation.pooled.pooled_scores`.

    Raises:
        MatlError: That file is damaged.
    """
    try:
        pooled = read_diagnoses(folder / PREDICTIONS)
        images = _as_run(tested, {name: _apart(table) for name, table in pooled.items()})
        patients = replace(
            images, diagnoses={name: _patients(table) for name, table in pooled.items()}
        )
        return _shown(tested, images, patients, pooled) if pooled else None
    except (OSError, ValueError, KeyError) as error:
        raise damaged(folder / PREDICTIONS) from error


def side_training(folder: Path) -> list[Picture]:
    """The mean training curves of the compared arms, a figure a place in the chain.

    Args:
        folder: Which holds `curves.csv`, from `matl.ablation.pooled.mean_curves`.

    Raises:
        MatlError: That file is damaged.
    """
    try:
        return training_pictures(read_curves(folder / CURVES), TRAINING)
    except (OSError, ValueError, KeyError) as error:
        raise damaged(folder / CURVES) from error


def _shown(
    tested: Tested,
    images: RunRecord,
    patients: RunRecord,
    pooled: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:
    seeds = next(iter(pooled.values()))["seed"].nunique()
    scores = "scores of 1 seed" if seeds == 1 else f"scores of {seeds} seeds pooled"
    where = f"Split {tested.split}, {tested.dealt}; {scores}."
    sources = images.sources("test")
    return {
        "curves": score_pictures(images, where),
        "sources": source_table("Each source alone", images, "test") if sources else None,
        "confusion": {
            "By image": list(confusions(images, "test")),
            "By patient": list(confusions(patients, "test")),
        },
        "caption": f"{where} Threshold {THRESHOLD}; positive class: {tested.positive}. Rates with "
        f"95 % intervals over patients. {PATIENT_CAPTION}",
        "negative": tested.negative,
        "positive": tested.positive,
    }


def _as_run(tested: Tested, diagnoses: dict[str, pd.DataFrame]) -> RunRecord:
    return RunRecord(
        experiment=tested.split,
        command="",
        stages=[],
        diagnoses=diagnoses,
        positive=tested.positive,
        negative=tested.negative,
    )


def _patients(table: pd.DataFrame) -> pd.DataFrame:
    """A row a patient, seed and repeat."""
    parts = [
        by_patient(part).assign(seed=seed, repeat=repeat)
        for seed, of_seed in table.groupby("seed")
        for repeat, part in of_seed.groupby("repeat")
    ]
    return _apart(pd.concat(parts, ignore_index=True))


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """With images that are named apart by seed and repeat."""
    before = table["seed"].astype(str) + "." + table["repeat"].astype(str)
    return table.assign(image=before + "/" + table["image"])
