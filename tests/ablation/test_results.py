"""What is compared, on scores that are drawn: every difference is computed again by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawn_scores import ablation_of, drawn
from sklearn.metrics import roc_auc_score

from matl.ablation.ablation_record import covered
from matl.ablation.aligned_scores import CellScores
from matl.ablation.cells import Cell, cells_of
from matl.ablation.results import (
    NO_VERDICT,
    ONE_SEED,
    cell_table,
    compare,
    means,
    verdict_of,
)
from matl.ablation.schema import Ablation
from matl.evaluation.statistics.contrasts import holm


def reached(scores: CellScores, arm: str, regime: str, split: str, seed: int) -> float:
    """The mean over folds and repetitions of one seed's AUROC."""
    own = [
        table
        for cell, table in scores.items()
        if (cell.arm, cell.regime, cell.split, cell.seed) == (arm, regime, split, seed)
    ]
    return float(np.mean([roc_auc_score(table["label"], table["score"]) for table in own]))


def test_every_difference_is_that_of_the_cells() -> None:
    ablation = ablation_of()
    scores = {cell: drawn(cell) for cell in cells_of(ablation)}
    found = compare(ablation, scores)
    arms = [("plain",), ("attention",), ("convolution",)]
    arms += [("attention", "plain"), ("plain", "convolution"), ("attention", "convolution")]
    regimes = [("xray", "scratch"), ("full", "scratch"), ("full", "xray")]
    expected = set(product(arms, regimes, ("folds", "official")))
    assert {(one.arms, (one.regime, one.over), one.split) for one in found} == expected
    for one in found:
        gains = [
            np.mean(
                [
                    reached(scores, arm, one.regime, one.split, seed)
                    - reached(scores, arm, one.over, one.split, seed)
                    for seed in ablation.seeds
                ]
            )
            for arm in one.arms
        ]
        assert one.plain.value == pytest.approx(gains[0] - sum(gains[1:]))
        assert abs(one.plain.value) > 1e-6
    [primary] = [one for one in found if one.primary]
    assert primary.what == "attention - plain, full minus from scratch"
    others = [one for one in found if not one.primary]
    assert [one.p for one in others] == pytest.approx(holm([one.plain.p for one in others]))
    assert primary.p == primary.plain.p
    assert not any(one.primary for one in compare(ablation, scores, changed=True))


def test_only_seeds_count_whose_folds_are_all_finished() -> None:
    ablation = ablation_of()
    gone = Cell("attention", "full", "folds", seed=1, repeat=1, fold=2)
    scores = {cell: drawn(cell) for cell in cells_of(ablation) if cell != gone}
    [primary] = [one for one in compare(ablation, scores) if one.primary]
    assert primary.plain.seeds == 2
    assert verdict_of(ablation, primary) == NO_VERDICT
    gains = [
        reached(scores, "attention", "full", "folds", seed)
        - reached(scores, "attention", "scratch", "folds", seed)
        - reached(scores, "plain", "full", "folds", seed)
        + reached(scores, "plain", "scratch", "folds", seed)
        for seed in (0, 2)
    ]
    assert primary.plain.value == pytest.approx(np.mean(gains))


def test_what_an_arm_reaches_stands_beside_the_floor_of_its_cells() -> None:
    ablation = ablation_of(metric="f1")
    plans = dict.fromkeys(cells_of(ablation))
    scores = {cell: drawn(cell) for cell in plans}
    floors = {cell: drawn(cell).assign(score=0.6) for cell in plans}
    table = table_of(ablation, scores, floors)
    found = means(ablation, scores, table)
    assert len(found) == 3 * 3 * 2
    for one in found:
        own = table[(table["arm"] == one.arm) & (table["regime"] == one.regime)]
        own = own[own["split"] == one.split]
        assert one.value.value == pytest.approx(own["f1"].mean())
        assert one.floor == pytest.approx(own["floor_f1"].mean())
        assert one.floor == pytest.approx(2 / 3) or one.split == "folds"
        assert one.others == pytest.approx(dict(own[["auroc", "accuracy"]].mean()))
        assert 0 <= one.value.low <= one.value.value <= one.value.high <= 1


def table_of(ablation: Ablation, scores: CellScores, floors: CellScores) -> pd.DataFrame:
    class Planned:
        fingerprint = "0" * 16

    class Plan:
        chain = (Planned,)

    return cell_table(ablation, dict.fromkeys(scores, Plan), scores, floors, {})


def test_one_seed_has_no_verdict_and_an_interval_over_patients() -> None:
    ablation = ablation_of(seeds=[0])
    found = compare(ablation, {cell: drawn(cell) for cell in cells_of(ablation)})
    [primary] = [one for one in found if one.primary]
    assert verdict_of(ablation, primary) == ONE_SEED
    assert covered([primary.plain]) == "over patients alone: of one seed"
    more = compare(ablation_of(), {cell: drawn(cell) for cell in cells_of(ablation_of())})
    assert covered([one.plain for one in more]) == "over seeds and patients"
