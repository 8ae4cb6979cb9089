"""The scores of finished cells, and what they say."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from matl.ablation.cells import Cell
from matl.ablation.schema import SCRATCH, Ablation
from matl.evaluation.metrics import check_scores, patient_codes, summarise
from matl.evaluation.statistics.contrasts import Arm, Contrast, Scale, contrast, holm, verdict
from matl.orchestrator.plan import Plan
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.store import FLOOR, SCORES, Store


@dataclass(frozen=True)
class Comparison:
    """One line of the results: a difference and what it compares.

    Attributes:
        what: in words.
        split: of the test images, and the share of the labels.
        auroc, logit: the difference on both scales.
        primary: whether it is the one that the ablation was made for.
        p: adjusted by Holm's method among the others; the primary one's own.
    """

    what: str
    split: str
    auroc: Contrast
    logit: Contrast
    primary: bool
    p: float


def analysis_hash(ablation: Ablation, plans: Mapping[Cell, Plan]) -> str:
    """Hash of all that must be fixed before a test score is seen, 16 hexadecimal digits.

    The fingerprints of the diagnoses are part of it, and so all that can change a score.
    """
    diagnoses = sorted(plan.chain[-1].fingerprint for plan in plans.values())
    compared = {key: value for key, value in asdict(ablation).items() if key != "cluster"}
    text = json.dumps([compared, diagnoses], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cell_table(
    plans: Mapping[Cell, Plan], failures: Mapping[str, str], store: Store
) -> pd.DataFrame:
    """A row a cell: what it is, its state, and the test metrics of what is finished."""
    rows: list[dict[str, Any]] = []
    for cell, plan in plans.items():
        last = plan.chain[-1].fingerprint
        row: dict[str, Any] = {**asdict(cell), "fingerprint": last}
        row["state"] = "finished" if last in store else "missing"
        if last in failures:
            row["state"] = f"failed: {failures[last]}"
        if last in store:
            summary = summarise(_test_scores(store, last), resamples=0)
            row |= {name: estimate.value for name, estimate in summary.items()}
            floor = summarise(_test_scores(store, last, FLOOR), resamples=0)
            row["floor_auroc"] = floor["auroc"].value
        rows.append(row)
    return pd.DataFrame(rows)


def compare(ablation: Ablation, plans: Mapping[Cell, Plan], store: Store) -> list[Comparison]:
    """Every gain over scratch, and every difference of two arms' gains.

    Only seeds count that every arm and regime of a comparison has finished.
    """
    found: list[Comparison] = []
    for split, fraction in product(ablation.splits, ablation.fractions):
        table = _Table(ablation, plans, store, split, fraction)
        for regime in [name for name in ablation.regimes if name != SCRATCH]:
            for arm in ablation.arms:
                pairs = [(1.0, arm, regime), (-1.0, arm, SCRATCH)]
                found += table.contrast(f"gain of {arm}, {regime}", pairs)
            first, second = ablation.analysis.comparison
            pairs = [
                *((1.0, first, regime), (-1.0, first, SCRATCH)),
                *((-1.0, second, regime), (1.0, second, SCRATCH)),
            ]
            place = (regime, split, fraction)
            primary = place == (ablation.analysis.regime, ablation.analysis.split, 1.0)
            found += table.contrast(f"gain of {first} - {second}, {regime}", pairs, primary)
    return _adjusted(found)


def summary_lines(ablation: Ablation, found: Sequence[Comparison]) -> list[str]:
    """The comparisons as a Markdown table, the primary one and its verdict first."""
    lines = []
    for one in (one for one in found if one.primary):
        margin, seeds = ablation.analysis.margin, len(ablation.seeds)
        found_verdict = f"**{verdict(one.auroc, margin)}**"
        if one.auroc.seeds < seeds:
            found_verdict = "no verdict yet"
        lines += [
            f"{one.what}, {one.split}: {found_verdict} against a margin of {margin}: "
            f"AUROC {_interval(one.auroc)}, {one.auroc.seeds} of {seeds} seeds.",
            "",
        ]
    lines += [
        "| comparison | split | AUROC | logit | p | seeds | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in sorted(found, key=lambda one: not one.primary):
        role = "primary" if one.primary else "exploratory"
        numbers = f"{_interval(one.auroc)} | {_interval(one.logit)} | {one.p:.3f}"
        lines.append(f"| {one.what} | {one.split} | {numbers} | {one.auroc.seeds} | {role} |")
    return lines


class _Table:
    """The test scores of one split and share of the labels, aligned over cells."""

    def __init__(
        self,
        ablation: Ablation,
        plans: Mapping[Cell, Plan],
        store: Store,
        split: str,
        fraction: float,
    ) -> None:
        self.place = split if fraction == 1 else f"{split}, {fraction:g} of the labels"
        self.scores: dict[tuple[str, str], dict[int, dict[tuple[int, int], pd.DataFrame]]] = {}
        for cell, plan in plans.items():
            last = plan.chain[-1].fingerprint
            if (cell.split, cell.fraction) == (split, fraction) and last in store:
                by_seed = self.scores.setdefault((cell.arm, cell.regime), {})
                by_seed.setdefault(cell.seed, {})[cell.repeat, cell.fold] = _test_scores(
                    store, last
                )
        chosen = ablation.splits[split]
        self.repeats, self.folds = chosen.repeats, max(chosen.folds, 1)

    def contrast(
        self, what: str, pairs: Sequence[tuple[float, str, str]], primary: bool = False
    ) -> list[Comparison]:
        """The comparison as a list of one; empty where no seed has finished all of it."""
        seeds = self._finished_seeds([(arm, regime) for _, arm, regime in pairs])
        if not seeds:
            return []
        joined = {
            (arm, regime): [self._joined(arm, regime, seed) for seed in seeds]
            for _, arm, regime in pairs
        }
        reference = next(iter(joined.values()))[0]
        first = reference[0]
        folds = np.stack([table["fold"].to_numpy() for table in reference])
        arms = [
            Arm(weight, np.stack([_score_rows(tables) for tables in joined[arm, regime]]))
            for weight, arm, regime in pairs
        ]
        label, patients = first["label"].to_numpy(), patient_codes(first)
        scales: tuple[Scale, Scale] = ("auroc", "logit")
        auroc, logit = (contrast(label, patients, arms, scale, folds) for scale in scales)
        return [Comparison(what, self.place, auroc, logit, primary, auroc.p)]

    def _finished_seeds(self, wanted: Iterable[tuple[str, str]]) -> list[int]:
        whole = self.repeats * self.folds
        finished = [
            {seed for seed, parts in self.scores.get(key, {}).items() if len(parts) == whole}
            for key in wanted
        ]
        return sorted(set.intersection(*finished)) if finished else []

    def _joined(self, arm: str, regime: str, seed: int) -> list[pd.DataFrame]:
        """For each repeat every test image once, in one order, with its fold."""
        parts = self.scores[arm, regime][seed]
        return [
            pd.concat([parts[repeat, fold].assign(fold=fold) for fold in range(self.folds)])
            .sort_values(["source", "image"])
            .reset_index(drop=True)
            for repeat in range(self.repeats)
        ]


def _score_rows(tables: Sequence[pd.DataFrame]) -> np.ndarray:
    return np.stack([table["score"].to_numpy() for table in tables])


def _test_scores(store: Store, fingerprint: str, name: str = SCORES) -> pd.DataFrame:
    file: Path = store.entry(fingerprint) / name
    scores = check_scores(read_scores(file))
    return scores[scores["split"] == "test"].reset_index(drop=True)


def _adjusted(found: list[Comparison]) -> list[Comparison]:
    others = [one for one in found if not one.primary]
    adjusted = iter(holm([one.p for one in others]))
    return [
        one if one.primary else Comparison(**{**vars(one), "p": next(adjusted)}) for one in found
    ]


def _interval(found: Contrast) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
