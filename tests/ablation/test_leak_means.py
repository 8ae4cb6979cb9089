"""On the data set's own split an arm's mean stands a second time, without images that leak."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from drawn_scores import PATIENTS, ablation_of, drawn

from data_modules.audit.near_duplicates import COLUMNS
from data_modules.samples import Samples
from matl.ablation.cells import Cell, cells_of
from matl.ablation.leak_means import (
    gains_without_leaks,
    leaking_splits,
    means_without_leaks,
)
from matl.ablation.results import cell_table, compare, means
from matl.ablation.schema import Ablation

LEAKING = frozenset([("drawn", "0"), ("drawn", "7")])


def plans_of(ablation: Ablation, shared: tuple[int, ...]) -> dict[Cell, Any]:
    """Plans whose set has some tested patients in training, too, as a published split may."""
    rows = [
        *((f"{one}.png", str(one), "test", "ab"[one % 2]) for one in range(PATIENTS)),
        *((f"again-{one}.png", str(one), "train", "ab"[one % 2]) for one in shared),
    ]
    table = pd.DataFrame(rows, columns=["path", "patient", "split", "label"])
    table = table.assign(study="", source="drawn")
    samples = Samples(Path("root"), table, ("a", "b"), "b", published=("drawn",))
    last = SimpleNamespace(samples=samples, name="diagnosis", fingerprint="f" * 16)
    plan = SimpleNamespace(chain=[last], alike=pd.DataFrame(columns=["stage", *COLUMNS]))
    return dict.fromkeys(cells_of(ablation), plan)


def test_a_mean_without_leaks_is_that_of_scores_without_their_images() -> None:
    ablation = ablation_of()
    plans = plans_of(ablation, (0, 7))
    scores = {cell: drawn(cell) for cell in plans}
    leaking = leaking_splits(ablation, plans)
    assert leaking == {"official": LEAKING}
    found = means_without_leaks(ablation, plans, scores, scores, leaking)
    assert {one.split for one in found} == {"official, without leaking images"}
    left = {
        cell: table[~table["patient"].isin(["0", "7"])]
        for cell, table in scores.items()
        if cell.split == "official"
    }
    cells = cell_table(ablation, {cell: plans[cell] for cell in left}, left, left, {})
    expected = [one for one in means(ablation, left, cells) if one.split == "official"]
    assert len(found) == len(expected) == 9
    for one, other in zip(found, expected, strict=True):
        assert (one.arm, one.regime) == (other.arm, other.regime)
        assert one.value.value == pytest.approx(other.value.value)
        assert one.floor == pytest.approx(other.floor)


def test_a_gain_without_leaks_is_that_of_scores_without_their_images_and_exploratory() -> None:
    ablation = ablation_of((0, 1))
    ablation.analysis.split, ablation.analysis.regime = "official", "xray"
    del ablation.splits["folds"], ablation.regimes["full"], ablation.arms["convolution"]
    plans = plans_of(ablation, (0, 7))
    scores = {cell: drawn(cell) for cell in plans}
    leaking = leaking_splits(ablation, plans)
    clean = gains_without_leaks(ablation, scores, leaking)
    left = {cell: table[~table["patient"].isin(["0", "7"])] for cell, table in scores.items()}
    expected = compare(ablation, left)
    assert {one.split for one in clean} == {"official, without leaking images"}
    assert [(one.arms, one.regime, one.over) for one in clean] == [
        (one.arms, one.regime, one.over) for one in expected
    ]
    for one, other in zip(clean, expected, strict=True):
        assert one.plain == other.plain
        assert not one.primary
    found = compare(ablation, scores, further=clean)
    [primary] = [one for one in found if one.primary]
    assert primary.split == "official"
    assert primary.p == primary.plain.p
    adjusted = [one.p for one in found if one.split == clean[0].split]
    assert all(more >= own.p for more, own in zip(adjusted, clean, strict=True))
    assert adjusted != [one.p for one in clean]


def test_where_nobody_leaks_there_is_no_second_row() -> None:
    ablation = ablation_of()
    plans = plans_of(ablation, ())
    assert leaking_splits(ablation, plans) == {}
    assert means_without_leaks(ablation, plans, {}, {}, {}) == []
    assert gains_without_leaks(ablation, {}, {}) == []


def test_where_all_leak_there_is_no_second_row() -> None:
    ablation = ablation_of((0,))
    plans = plans_of(ablation, tuple(range(PATIENTS)))
    scores = {cell: drawn(cell) for cell in plans}
    leaking = leaking_splits(ablation, plans)
    assert means_without_leaks(ablation, plans, scores, scores, leaking) == []
    assert gains_without_leaks(ablation, scores, leaking) == []
