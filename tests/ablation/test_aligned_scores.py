import numpy as np
import pytest
from drawn_scores import ablation_of, drawn

from matl.ablation.aligned_scores import AlignedScores
from matl.ablation.cells import Cell, cells_of

ABLATION = ablation_of()
SCORES = {cell: drawn(cell) for cell in cells_of(ABLATION)}


def aligned(scores=SCORES, split="folds"):
    return AlignedScores(ABLATION, scores, split, 1.0)


def test_a_seed_counts_where_every_fold_of_every_side_is_finished():
    gone = Cell("plain", "full", "folds", seed=1, repeat=1, fold=2)
    scores = {cell: table for cell, table in SCORES.items() if cell != gone}
    sides = [("attention", "full"), ("plain", "full")]
    assert aligned().finished_seeds(sides) == [0, 1, 2]
    assert aligned(scores).finished_seeds(sides) == [0, 2]
    assert aligned(scores).finished_seeds(sides[:1]) == [0, 1, 2]
    assert aligned().finished_seeds([]) == []


def test_pooled_scores_are_in_one_order_for_every_side():
    one, other = (aligned().pooled(arm, "full", [0, 2]) for arm in ("attention", "plain"))
    assert one[["source", "image"]].equals(other[["source", "image"]])
    assert not np.array_equal(one["score"], other["score"])
    assert set(one["seed"]) == {0, 2}
    assert set(one["repeat"]) == {0, 1}


def test_a_sum_over_nothing_finished_is_none_and_of_two_equal_sides_zero():
    assert aligned({}).contrast([(1.0, "plain", "full")], "plain") is None
    same = aligned().contrast([(1.0, "plain", "full"), (-1.0, "plain", "full")], "plain")
    assert same.value == pytest.approx(0)
    assert same.seeds == 3
