"""What is found on the data set's own test split without the images of persons who leak."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from matl.ablation.ablation_record import Comparison, Mean, clean_name
from matl.ablation.aligned_scores import CellScores
from matl.ablation.cells import Cell
from matl.ablation.results import cell_table, gains, means
from matl.ablation.schema import Ablation
from matl.orchestrator.leaks import leaking_persons
from matl.orchestrator.plan import Plan

Leaking = Mapping[str, frozenset[tuple[str, str]]]
"""The (source, patient) of the persons of the test split who leak, by the split's name."""


def leaking_splits(ablation: Ablation, plans: Mapping[Cell, Plan]) -> Leaking:
    """Who leaks in the data set's own split, where anybody does; folds are left as they are."""
    lasts = {id(plan.chain[-1].samples): (cell.split, plan) for cell, plan in plans.items()}
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for split, plan in lasts.values():
        if not ablation.splits[split].folds:
            last = plan.chain[-1]
            own = plan.alike[plan.alike["stage"] == last.name]
            found[split] = found.get(split, frozenset()) | leaking_persons(last.samples, own)
    return {split: persons for split, persons in found.items() if persons}


def leaks(table: pd.DataFrame, persons: frozenset[tuple[str, str]]) -> pd.Series:
    """Whether each image, of scores or `Samples`, is of one of the persons."""
    named = zip(table["source"], table["patient"], strict=True)
    return pd.Series([one in persons for one in named], index=table.index, dtype=bool)


def means_without_leaks(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    scores: CellScores,
    floors: CellScores,
    leaking: Leaking,
) -> list[Mean]:
    """As `matl.ablation.results.means`, of the splits that leak, under `clean_name`.

    Args:
        ablation: What is compared.
        plans: Of each cell.
        scores: Of the finished cells.
        floors: Of the same cells.
        leaking: As `leaking_splits` returns it.
    """
    clean, beside = _without(scores, leaking), _without(floors, leaking)
    if not clean:
        return []
    cells = cell_table(ablation, {cell: plans[cell] for cell in clean}, clean, beside, {})
    found = means(ablation, clean, cells)
    return [replace(one, split=clean_name(one.split)) for one in found]


def gains_without_leaks(
    ablation: Ablation, scores: CellScores, leaking: Leaking
) -> list[Comparison]:
    """As `matl.ablation.results.gains`, of the splits that leak, under `clean_name`.

    All are exploratory: the primary comparison is the one that was fixed.
    """
    found = gains(ablation, _without(scores, leaking), changed=True)
    return [replace(one, split=clean_name(one.split)) for one in found]


def _without(scores: CellScores, leaking: Leaking) -> dict[Cell, pd.DataFrame]:
    """The scores of the splits that leak without images that do, where both classes are left."""
    clean = {
        cell: table[~leaks(table, leaking[cell.split])].reset_index(drop=True)
        for cell, table in scores.items()
        if cell.split in leaking
    }
    return {cell: table for cell, table in clean.items() if table["label"].nunique() == 2}
