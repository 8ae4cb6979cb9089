"""Whether what backbones promised to the diagnoses that began from them came true."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from matl.ablation.ablation_record import Promise, RankCorrelation
from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH
from matl.orchestrator.plan import Plan
from matl.orchestrator.starts import kept_start, own_start
from matl.orchestrator.store import Store

SCORES = ("log_me", "h_score", "trans_rate")
LEAST_CELLS = 4
"""Cells below which ranks say nothing."""
PLACE = ["arm", "regime", "split", "fraction"]
TWIN = ["arm", "split", "fraction", "seed", "repeat", "fold"]
"""What a cell shares with the one from scratch that its gain is over."""


def kept_scores(plans: Mapping[Cell, Plan], store: Store) -> pd.DataFrame:
    """What the store keeps of the promises to the cells' diagnoses: one row per such cell."""
    rows = []
    for cell, plan in plans.items():
        last = plan.chain[-1]
        kept = kept_start(own_start(last), last, store)
        if kept is not None:
            rows.append(asdict(cell) | {name: getattr(kept, name) for name in SCORES})
    return pd.DataFrame(rows, columns=[*PLACE, "seed", "repeat", "fold", *SCORES])


def promises(
    kept: pd.DataFrame, cells: pd.DataFrame, metric: str
) -> tuple[list[Promise], list[RankCorrelation]]:
    """The mean promise after each regime, and how cells rank by promise and by gain.

    A cell's promise and its metric are less those of the cell from scratch of the same arm, split,
    share of the labels, seed and fold, so that only what the stages before it added is ranked.

    Args:
        kept: As of `kept_scores`.
        cells: As in `matl.ablation.results.cell_table`.
        metric: The ablation's.
    """
    if metric not in cells or kept.empty:
        return [], []
    known = cells[[*PLACE, "seed", "repeat", "fold", metric]].dropna()
    joined = kept.merge(known, on=[*PLACE, "seed", "repeat", "fold"])
    rows = [_promise(own) for _, own in joined.groupby(PLACE, sort=False)]
    return rows, _correlations(joined, metric)


def _promise(own: pd.DataFrame) -> Promise:
    first, means = own.iloc[0], own[list(SCORES)].mean()
    return Promise(
        arm=str(first["arm"]),
        regime=str(first["regime"]),
        split=str(first["split"]),
        fraction=float(first["fraction"]),
        cells=len(own),
        scores={name: float(means[name]) for name in SCORES},
    )


def _correlations(joined: pd.DataFrame, metric: str) -> list[RankCorrelation]:
    from scipy.stats import spearmanr

    scratch = joined[joined["regime"] == SCRATCH].set_index(TWIN)
    others = joined[joined["regime"] != SCRATCH].set_index(TWIN)
    values = [*SCORES, metric]
    added = (others[values] - scratch[values].reindex(others.index)).dropna()
    varied = [name for name in SCORES if added[name].nunique() > 1 and added[metric].nunique() > 1]
    if len(added) < LEAST_CELLS:
        return []
    found = {name: float(spearmanr(added[name], added[metric]).statistic) for name in varied}
    return [
        RankCorrelation(name, value, len(added))
        for name, value in found.items()
        if np.isfinite(value)
    ]
