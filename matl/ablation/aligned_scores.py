"""Test scores of finished cells, aligned image by image so that they can be compared."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from matl.ablation.cells import Cell
from matl.ablation.schema import Ablation
from matl.errors import MatlError
from matl.evaluation.metrics import check_scores, patient_codes
from matl.evaluation.statistics.contrasts import Arm, Contrast, Scale, contrast
from matl.names import SCORES
from matl.orchestrator.floors import floor_of
from matl.orchestrator.plan import Plan
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.stage_images import open_images
from matl.orchestrator.store import Store

CellScores = Mapping[Cell, pd.DataFrame]
"""The test scores of finished cells, as `matl.evaluation.metrics.check_scores` returns them."""
Weighted = tuple[float, str, str]
"""What an arm counts in a difference, the arm, and the regime."""


class AlignedScores:
    """The test scores of one split and share of the labels, aligned over cells."""

    def __init__(self, ablation: Ablation, scores: CellScores, split: str, fraction: float) -> None:
        self.split, self.fraction = split, fraction
        self.metric = ablation.analysis.metric
        self.scores: dict[tuple[str, str], dict[int, dict[tuple[int, int], pd.DataFrame]]] = {}
        for cell, table in scores.items():
            if (cell.split, cell.fraction) == (split, fraction):
                by_seed = self.scores.setdefault((cell.arm, cell.regime), {})
                by_seed.setdefault(cell.seed, {})[cell.repeat, cell.fold] = table
        chosen = ablation.splits[split]
        self.repeats, self.folds = chosen.repeats, max(chosen.folds, 1)

    def contrast(self, weighted: Sequence[Weighted], scale: Scale) -> Contrast | None:
        """The weighted sum of the metric over the seeds that finished all of it; None without."""
        seeds = self.finished_seeds([(arm, regime) for _, arm, regime in weighted])
        if not seeds:
            return None
        joined = {
            (arm, regime): [self._joined(arm, regime, seed) for seed in seeds]
            for _, arm, regime in weighted
        }
        reference = next(iter(joined.values()))[0]
        first = reference[0]
        folds = np.stack([table["fold"].to_numpy() for table in reference])
        arms = [
            Arm(weight, np.stack([_score_rows(tables) for tables in joined[arm, regime]]))
            for weight, arm, regime in weighted
        ]
        label, patients = first["label"].to_numpy(), patient_codes(first)
        return contrast(label, patients, arms, scale, folds, self.metric)

    def finished_seeds(self, wanted: Iterable[tuple[str, str]]) -> list[int]:
        """The seeds of which every fold of every arm and regime is finished."""
        whole = self.repeats * self.folds
        finished = [
            {seed for seed, parts in self.scores.get(key, {}).items() if len(parts) == whole}
            for key in wanted
        ]
        return sorted(set.intersection(*finished)) if finished else []

    def pooled(self, arm: str, regime: str, seeds: Sequence[int]) -> pd.DataFrame:
        """Every test image once a seed and repeat, which are columns of their own."""
        return pd.concat(
            [
                table.drop(columns="fold").assign(seed=seed, repeat=repeat)
                for seed in seeds
                for repeat, table in enumerate(self._joined(arm, regime, seed))
            ],
            ignore_index=True,
        )

    def _joined(self, arm: str, regime: str, seed: int) -> list[pd.DataFrame]:
        """For each repeat every test image once, in one order, with its fold."""
        parts = self.scores[arm, regime][seed]
        return [
            pd.concat([parts[repeat, fold].assign(fold=fold) for fold in range(self.folds)])
            .sort_values(["source", "image"])
            .reset_index(drop=True)
            for repeat in range(self.repeats)
        ]


def read_cells(
    plans: Mapping[Cell, Plan], store: Store
) -> tuple[dict[Cell, pd.DataFrame], dict[Cell, pd.DataFrame], dict[Cell, str]]:
    """The test scores of what is finished, the floors' beside them, and what is damaged."""
    scores, floors, damaged = {}, {}, {}
    for cell, plan in plans.items():
        last = plan.chain[-1]
        if last.fingerprint in store:
            images = partial(open_images, plan.experiment, last)
            try:
                own = read_scores(store.file(last.fingerprint, SCORES))
                tables = [_on_test(table) for table in (own, floor_of(last, store, images).scores)]
            except (MatlError, ValueError) as error:
                damaged[cell] = str(error)
            else:
                scores[cell], floors[cell] = tables
    return scores, floors, damaged


def _on_test(scores: pd.DataFrame) -> pd.DataFrame:
    scores = check_scores(scores)
    return scores[scores["split"] == "test"].reset_index(drop=True)


def _score_rows(tables: Sequence[pd.DataFrame]) -> np.ndarray:
    return np.stack([table["score"].to_numpy() for table in tables])
