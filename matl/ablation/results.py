"""What the scores of finished cells say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations, product
from typing import Any

import pandas as pd

from matl.ablation.ablation_record import Comparison, Mean
from matl.ablation.aligned_scores import AlignedScores, CellScores
from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH, Ablation
from matl.evaluation.metrics import summarise
from matl.evaluation.statistics.contrasts import Contrast, Scale, holm, verdict
from matl.orchestrator.plan import Plan

SCALES: tuple[Scale, Scale] = ("plain", "logit")
NO_VERDICT = "no verdict yet"
ONE_SEED = "no verdict of one seed"


def cell_table(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    scores: CellScores,
    floors: CellScores,
    unfinished: Mapping[Cell, str],
) -> pd.DataFrame:
    """One row per cell: what it is, its state, its test metrics, and the floor of the main one.

    Args:
        ablation: What is compared.
        plans: Of each cell.
        scores: Of the finished cells.
        floors: Of the same cells.
        unfinished: What is known of others, as in "failed: it diverged".
    """
    metric = ablation.analysis.metric
    rows: list[dict[str, Any]] = []
    for cell, plan in plans.items():
        row: dict[str, Any] = {**asdict(cell), "fingerprint": plan.chain[-1].fingerprint}
        row["state"] = unfinished.get(cell, "missing")
        if cell in scores:
            row["state"] = "finished"
            summary = summarise(scores[cell], resamples=0)
            row |= {name: estimate.value for name, estimate in summary.items()}
            row[f"floor_{metric}"] = summarise(floors[cell], resamples=0)[metric].value
        rows.append(row)
    return pd.DataFrame(rows)


def compare(
    ablation: Ablation,
    scores: CellScores,
    changed: bool = False,
    further: Sequence[Comparison] = (),
) -> list[Comparison]:
    """`gains` with the p of all exploratory ones adjusted for their number.

    Args:
        ablation: What is compared.
        scores: Of the finished cells.
        changed: Whether the primary analysis was; then none is primary.
        further: Exploratory ones of other images, with their own p.
    """
    return _adjusted([*gains(ablation, scores, changed), *further])


def gains(ablation: Ablation, scores: CellScores, changed: bool) -> list[Comparison]:
    """Every gain over scratch and over the regimes that the file names, and their differences.

    Only seeds count that every arm and regime of a comparison has finished.

    Args:
        ablation: What is compared.
        scores: Of the finished cells.
        changed: Whether the primary analysis was; then none is primary.
    """
    found: list[Comparison] = []
    for aligned in _aligned(ablation, scores):
        for (regime, over), arms in product(_regime_pairs(ablation), _arms_and_pairs(ablation)):
            primary = not changed and _is_primary(ablation, aligned, arms, regime, over)
            found += _gain(aligned, arms, regime, over, primary)
    return found


def means(ablation: Ablation, scores: CellScores, cells: pd.DataFrame) -> list[Mean]:
    """What every arm reaches after every regime that a seed has finished, on every split.

    Args:
        ablation: What is compared.
        scores: Of the finished cells.
        cells: As in `cell_table`.
    """
    found = []
    for aligned in _aligned(ablation, scores):
        for arm, regime in product(ablation.arms, ablation.regimes):
            value = aligned.contrast([(1.0, arm, regime)], "plain")
            if value is not None:
                where = (arm, regime, aligned.split, aligned.fraction)
                own = _rows(cells, *where, seeds=aligned.finished_seeds([(arm, regime)]))
                floor = float(own[f"floor_{aligned.metric}"].mean())
                others: dict[str, float | None] = {
                    name: float(own[name].mean()) for name in _others(aligned.metric)
                }
                found.append(Mean(*where, _inside(value, 0, 1), floor, others))
    return found


def verdict_of(ablation: Ablation, primary: Comparison) -> str:
    """The verdict on the primary comparison; there is none before every seed is finished."""
    if primary.plain.seeds < len(ablation.seeds):
        return NO_VERDICT
    if primary.plain.seeds == 1:
        return ONE_SEED
    return verdict(primary.plain, ablation.analysis.margin)


def _rows(
    cells: pd.DataFrame, arm: str, regime: str, split: str, fraction: float, seeds: Sequence[int]
) -> pd.DataFrame:
    own = cells[cells["seed"].isin(seeds) & (cells["fraction"] == fraction)]
    return own[(own["arm"] == arm) & (own["regime"] == regime) & (own["split"] == split)]


def _others(metric: str) -> list[str]:
    return [name for name in ("auroc", "accuracy") if name != metric]


def _inside(found: Contrast, least: float, most: float) -> Contrast:
    """With an interval that ends where no value can lie beyond."""
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(found.low, least), high=min(found.high, most))


def _aligned(ablation: Ablation, scores: CellScores) -> Iterator[AlignedScores]:
    for split, fraction in product(ablation.splits, ablation.fractions):
        yield AlignedScores(ablation, scores, split, fraction)


def _regime_pairs(ablation: Ablation) -> Iterator[tuple[str, str]]:
    for name, regime in ablation.regimes.items():
        if name != SCRATCH:
            yield from ((name, over) for over in (SCRATCH, *regime.against))


def _arms_and_pairs(ablation: Ablation) -> list[tuple[str, ...]]:
    """Each arm, and each two of them; the two of the primary comparison in its order."""
    compared = tuple(ablation.analysis.comparison)
    pairs = combinations(ablation.arms, 2)
    ordered = [compared if set(pair) == set(compared) else pair for pair in pairs]
    return [*((arm,) for arm in ablation.arms), *ordered]


def _gain(
    scores: AlignedScores, arms: tuple[str, ...], regime: str, over: str, primary: bool
) -> list[Comparison]:
    """The gain of an arm, or the first one's less the second one's, where a seed finished it."""
    weighted = [
        (side * sign, arm, chain)
        for side, arm in zip((1.0, -1.0), arms, strict=False)
        for sign, chain in ((1.0, regime), (-1.0, over))
    ]
    plain, logit = (scores.contrast(weighted, scale) for scale in SCALES)
    if plain is None or logit is None:
        return []
    where = (regime, over, scores.split, scores.fraction)
    plain = _inside(plain, -len(arms), len(arms))  # a metric is in [0, 1], a gain in [-1, 1]
    return [Comparison(arms, *where, plain, logit, primary, plain.p)]


def _is_primary(
    ablation: Ablation, scores: AlignedScores, arms: tuple[str, ...], regime: str, over: str
) -> bool:
    analysis = ablation.analysis
    wanted = (tuple(analysis.comparison), analysis.regime, SCRATCH, analysis.split, 1.0)
    return (arms, regime, over, scores.split, scores.fraction) == wanted


def _adjusted(found: list[Comparison]) -> list[Comparison]:
    others = [one for one in found if not one.primary and one.p is not None]
    adjusted = holm([one.p for one in others if one.p is not None])
    by_place = {id(one): p for one, p in zip(others, adjusted, strict=True)}
    return [replace(one, p=by_place.get(id(one), one.p)) for one in found]
