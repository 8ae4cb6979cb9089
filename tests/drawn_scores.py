"""Scores of an ablation's cells that are drawn, not trained."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from matl.ablation.cells import Cell
from matl.ablation.schema import Ablation, Analysis, Regime, Split

PATIENTS, IMAGES, FOLDS, REPEATS = 36, 2, 3, 2


def ablation_of(seeds: Sequence[int] = (0, 1, 2), metric: str = "auroc") -> Ablation:
    return Ablation(
        name="drawn",
        experiment="nowhere.yaml",
        arms={"plain": [], "attention": [], "convolution": []},
        regimes={
            "scratch": Regime(["diagnosis"]),
            "xray": Regime(["xray", "diagnosis"]),
            "full": Regime(["xray", "lung", "diagnosis"], against=["xray"]),
        },
        seeds=list(seeds),
        splits={"folds": Split(folds=FOLDS, repeats=REPEATS), "official": Split()},
        analysis=Analysis(["attention", "plain"], "full", "folds", metric),
    )


def drawn(cell: Cell) -> pd.DataFrame:
    """Test scores of a cell: another quality for each arm, regime and seed."""
    patients = np.arange(PATIENTS)
    if cell.split == "folds":
        dealt = np.random.default_rng(cell.repeat).permutation(PATIENTS)
        patients = patients[dealt % FOLDS == cell.fold]
    place = [sum(map(ord, text)) for text in (cell.arm, cell.regime, cell.split)]
    random = np.random.default_rng([*place, cell.seed, cell.repeat, cell.fold])
    quality = random.uniform(0.2, 1.5)
    rows = np.repeat(patients, IMAGES)
    logits = quality * (2 * (rows % 2) - 1) + random.normal(size=len(rows))
    return pd.DataFrame(
        {
            "image": [f"{row}-{at % IMAGES}.png" for at, row in enumerate(rows)],
            "patient": rows.astype(str),
            "source": "drawn",
            "split": "test",
            "label": rows % 2,
            "score": 1 / (1 + np.exp(-logits)),
        }
    ).sample(frac=1, random_state=cell.seed)
