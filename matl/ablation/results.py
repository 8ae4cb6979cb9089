"""The scores of finished cells, and what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import pandas as pd

from matl.ablation.aligned import AlignedScores, scores_on_test
from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH, Ablation
from matl.evaluation.metrics import METRICS, summarise
from matl.evaluation.statistics.contrasts import Contrast, Scale, holm, verdict
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import FLOOR, Store

SCALES: tuple[Scale, Scale] = ("plain", "logit")
NO_VERDICT = "no verdict yet"


@dataclass(frozen=True)
class Comparison:
    """One line of the results: a difference and what it compares.

    Attributes:
        arms: whose gain it is, or the two whose gains are compared.
        regime: the gain of which over scratch.
        split: of the test images.
        fraction: the share of the labels.
        plain, logit: the difference of the ablation's metric, and of its logits.
        primary: whether it is the one that the ablation was made for.
        p: adjusted by Holm's method among the others; the primary one's own.
    """

    arms: tuple[str, ...]
    regime: str
    split: str
    fraction: float
    plain: Contrast
    logit: Contrast
    primary: bool
    p: float

    @property
    def what(self) -> str:
        """The comparison in words."""
        return f"gain of {' - '.join(self.arms)}, {self.regime}"

    @property
    def place(self) -> str:
        """The split and the share of the labels in words."""
        return place(self.split, self.fraction)


@dataclass(frozen=True)
class Mean:
    """The metric that an arm reaches after a regime, over the seeds that finished it."""

    arm: str
    regime: str
    split: str
    fraction: float
    value: Contrast


def cell_table(
    ablation: Ablation, plans: Mapping[Cell, Plan], store: Store, failures: Mapping[str, str]
) -> pd.DataFrame:
    """A row a cell: what it is, its state, its test metrics, and the floor of the main one.

    Args:
        ablation, plans, store: What is compared, and what is finished of it.
        failures: What went wrong, by fingerprint.
    """
    metric = ablation.analysis.metric
    rows: list[dict[str, Any]] = []
    for cell, plan in plans.items():
        last = plan.chain[-1].fingerprint
        row: dict[str, Any] = {**asdict(cell), "fingerprint": last}
        row["state"] = "finished" if last in store else "missing"
        if last in failures:
            row["state"] = f"failed: {failures[last]}"
        if last in store:
            summary = summarise(scores_on_test(store, last), resamples=0)
            row |= {name: estimate.value for name, estimate in summary.items()}
            floor = summarise(scores_on_test(store, last, FLOOR), resamples=0)
            row[f"floor_{metric}"] = floor[metric].value
        rows.append(row)
    return pd.DataFrame(rows)


def compare(
    ablation: Ablation, plans: Mapping[Cell, Plan], store: Store, changed: bool = False
) -> list[Comparison]:
    """Every gain over scratch, and every difference of two arms' gains.

    Only seeds count that every arm and regime of a comparison has finished.

    Args:
        ablation, plans, store: What is compared, and what is finished of it.
        changed: Whether the primary analysis was; then none is primary.
    """
    found: list[Comparison] = []
    pair = tuple(ablation.analysis.comparison)
    for scores in _aligned(ablation, plans, store):
        for regime in [name for name in ablation.regimes if name != SCRATCH]:
            for arms in (*((arm,) for arm in ablation.arms), pair):
                primary = not changed and _is_primary(ablation, scores, arms, regime)
                found += _gain(scores, arms, regime, primary)
    return _adjusted(found)


def means(ablation: Ablation, plans: Mapping[Cell, Plan], store: Store) -> list[Mean]:
    """The metric of every arm and regime that a seed has finished, on every split."""
    found = []
    for scores in _aligned(ablation, plans, store):
        for arm, regime in product(ablation.arms, ablation.regimes):
            value = scores.contrast([(1.0, arm, regime)], "plain")
            if value is not None:
                found.append(Mean(arm, regime, scores.split, scores.fraction, value))
    return found


def place(split: str, fraction: float) -> str:
    """A split and a share of the labels in words."""
    return split if fraction == 1 else f"{split}, {fraction:g} of the labels"


def verdict_of(ablation: Ablation, primary: Comparison) -> str:
    """The verdict on the primary comparison; there is none before every seed is finished."""
    if primary.plain.seeds < len(ablation.seeds):
        return NO_VERDICT
    return verdict(primary.plain, ablation.analysis.margin)


def summary_lines(ablation: Ablation, found: Sequence[Comparison]) -> list[str]:
    """The comparisons as a Markdown table, the primary one and its verdict first."""
    lines = []
    metric = METRICS[ablation.analysis.metric]
    for one in (one for one in found if one.primary):
        margin, seeds = ablation.analysis.margin, len(ablation.seeds)
        found_verdict = verdict_of(ablation, one)
        lines += [
            f"{one.what}, {one.place}: **{found_verdict}** against a margin of {margin}: "
            f"{metric} {_interval(one.plain)}, {one.plain.seeds} of {seeds} seeds.",
            "",
        ]
    lines += [
        f"| comparison | split | {metric} | logit | p | seeds | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in sorted(found, key=lambda one: not one.primary):
        role = "primary" if one.primary else "exploratory"
        numbers = f"{_interval(one.plain)} | {_interval(one.logit)} | {one.p:.3f}"
        lines.append(f"| {one.what} | {one.place} | {numbers} | {one.plain.seeds} | {role} |")
    return lines


def _aligned(
    ablation: Ablation, plans: Mapping[Cell, Plan], store: Store
) -> Iterator[AlignedScores]:
    for split, fraction in product(ablation.splits, ablation.fractions):
        yield AlignedScores(ablation, plans, store, split, fraction)


def _gain(
    scores: AlignedScores, arms: tuple[str, ...], regime: str, primary: bool
) -> list[Comparison]:
    """The gain of an arm, or the first one's less the second one's, where a seed finished it."""
    weighted = [
        (side * sign, arm, chain)
        for side, arm in zip((1.0, -1.0), arms, strict=False)
        for sign, chain in ((1.0, regime), (-1.0, SCRATCH))
    ]
    plain, logit = (scores.contrast(weighted, scale) for scale in SCALES)
    if plain is None or logit is None:
        return []
    where = (regime, scores.split, scores.fraction)
    return [Comparison(arms, *where, plain, logit, primary, plain.p)]


def _is_primary(
    ablation: Ablation, scores: AlignedScores, arms: tuple[str, ...], regime: str
) -> bool:
    analysis = ablation.analysis
    wanted = (tuple(analysis.comparison), analysis.regime, analysis.split, 1.0)
    return (arms, regime, scores.split, scores.fraction) == wanted


def _adjusted(found: list[Comparison]) -> list[Comparison]:
    others = [one for one in found if not one.primary]
    adjusted = iter(holm([one.p for one in others]))
    return [
        one if one.primary else Comparison(**{**vars(one), "p": next(adjusted)}) for one in found
    ]


def _interval(found: Contrast) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
