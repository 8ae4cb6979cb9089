"""What the sides of the primary comparison scored and how they trained, over its seeds."""

from collections.abc import Mapping

import pandas as pd

from matl.ablation.aligned_scores import AlignedScores, CellScores
from matl.ablation.analysis import primary_cells
from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH, Ablation
from matl.ablation.stage_costs import Manifests, stage_curves
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store
from matl.report.curves import COSTS
from matl.report.paths import hide_value
from matl.report.rows import FLOOR, current_name


def pooled_scores(
    ablation: Ablation, scores: CellScores, floors: CellScores
) -> dict[str, pd.DataFrame]:
    """The test scores that the primary comparison is computed from, and the floor's.

    Args:
        ablation: What is compared.
        scores: Of the finished cells.
        floors: Of the same cells.

    Returns:
        By side, as in "attention, xray": one row per test image, seed and repeat, with the columns
        of `matl.evaluation.metrics.check_scores`, `seed` and `repeat`. Nothing before a seed has
        finished every side.
    """
    seeds = finished_seeds(ablation, scores)
    if not seeds:
        return {}
    sides = _sides(ablation)
    own, floor = (_primary(ablation, one) for one in (scores, floors))
    pooled = {
        f"{hide_value(arm)}, {hide_value(current_name(regime))}": own.pooled(arm, regime, seeds)
        for arm, regime in sides
    }
    return {**pooled, FLOOR: floor.pooled(*sides[0], seeds)}


def finished_seeds(ablation: Ablation, scores: CellScores) -> list[int]:
    """The seeds that have finished every side of the primary comparison."""
    return _primary(ablation, scores).finished_seeds(_sides(ablation))


def mean_curves(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    manifests: Manifests,
    store: Store,
    seeds: list[int],
) -> dict[str, pd.DataFrame]:
    """What the stages of the primary comparison logged, costs left out.

    Args:
        ablation: What is compared.
        plans: Of each cell.
        manifests: Of the finished stages, by fingerprint.
        store: What is finished.
        seeds: Those that have finished every side.

    Returns:
        By stage, as in "natural" and "diagnosis (xray)": one row per epoch, with the mean of each
        logged value over seeds and folds by arm, as in "val loss/attention".
    """
    means: dict[str, list[pd.DataFrame]] = {}
    cells = primary_cells(ablation, plans).items()
    own = {cell: plan for cell, plan in cells if cell.seed in seeds}
    scratch_last = dict(sorted(own.items(), key=lambda one: one[0].regime == SCRATCH))
    for place, curves in stage_curves(scratch_last, manifests, store).items():
        mean = pd.concat(curves.values()).groupby("epoch").mean()
        mean = mean.drop(columns=list(COSTS), errors="ignore")
        arm = hide_value(place.arm)
        mean.columns = [f"{name.replace('/', ' ')}/{arm}" for name in mean.columns]
        means.setdefault(hide_value(place.stage), []).append(mean)
    return {name: pd.concat(tables, axis=1).reset_index() for name, tables in means.items()}


def _primary(ablation: Ablation, scores: CellScores) -> AlignedScores:
    return AlignedScores(ablation, scores, ablation.analysis.split, 1.0)


def _sides(ablation: Ablation) -> list[tuple[str, str]]:
    """The compared arms after the regime, then from scratch."""
    analysis = ablation.analysis
    return [(arm, regime) for regime in (analysis.regime, SCRATCH) for arm in analysis.comparison]
