"""What the sides of the primary comparison scored and how they trained, over its seeds."""

from collections.abc import Mapping

import pandas as pd

from matl.ablation.aligned import AlignedScores, Scores
from matl.ablation.analysis import primary_cells
from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH, Ablation
from matl.ablation.sharing import Manifests, stage_curves
from matl.evaluation.curves import COSTS
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store


def pooled_scores(ablation: Ablation, scores: Scores, floors: Scores) -> dict[str, pd.DataFrame]:
    """The test scores that the primary comparison is computed from, and the floor's.

    Args:
        ablation: What is compared.
        scores, floors: Of the finished cells.

    Returns:
        By side, as in "attention, xray": a row a test image, seed and repeat, with the columns of
        `matl.evaluation.metrics.check_scores`, `seed` and `repeat`. Nothing before a seed has
        finished every side.
    """
    analysis = ablation.analysis
    sides = [(arm, regime) for regime in (analysis.regime, SCRATCH) for arm in analysis.comparison]
    where = analysis.split, 1.0
    aligned = AlignedScores(ablation, scores, *where)
    seeds = aligned.finished_seeds(sides)
    if not seeds:
        return {}
    pooled = {f"{arm}, {regime}": aligned.pooled(arm, regime, seeds) for arm, regime in sides}
    floor = AlignedScores(ablation, floors, *where).pooled(*sides[0], seeds)
    return {**pooled, "floor": floor}


def mean_curves(
    ablation: Ablation, plans: Mapping[Cell, Plan], manifests: Manifests, store: Store
) -> dict[str, pd.DataFrame]:
    """What the finished stages of the primary comparison logged, costs left out.

    Returns:
        By stage, as in "natural" and "diagnosis (xray)": a row an epoch, with the mean of each
        logged value over seeds and folds by arm, as in "val loss/attention".
    """
    means: dict[str, list[pd.DataFrame]] = {}
    cells = primary_cells(ablation, plans).items()
    scratch_last = dict(sorted(cells, key=lambda one: one[0].regime == SCRATCH))
    for (arm, place), curves in stage_curves(scratch_last, manifests, store).items():
        mean = pd.concat(curves.values()).groupby("epoch").mean()
        mean = mean.drop(columns=list(COSTS), errors="ignore")
        mean.columns = [f"{name.replace('/', ' ')}/{arm}" for name in mean.columns]
        means.setdefault(place.rpartition(" → ")[2], []).append(mean)
    return {name: pd.concat(tables, axis=1).reset_index() for name, tables in means.items()}
