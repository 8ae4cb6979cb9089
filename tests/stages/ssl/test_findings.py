"""Whether curves say that a stage has collapsed, or has nothing left to learn."""

import pandas as pd
import pytest

from matl.stages.ssl.findings import find

Values = list[float | None]


def curves(**columns: Values) -> pd.DataFrame:
    """A row per epoch; `a__b` stands for the column "a/b"."""
    named = {name.replace("__", "/"): values for name, values in columns.items()}
    epochs = len(next(iter(named.values())))
    return pd.DataFrame({"epoch": range(1, epochs + 1), **named})


def kinds(table: pd.DataFrame, epochs: int = 10, lowest_loss: float = 0.0) -> dict[str, int]:
    return {one.kind: one.epoch for one in find(table, epochs, lowest_loss)}


@pytest.mark.parametrize(
    ("columns", "since"),
    [
        ({"embedding__cosine": [0.9, 0.999, 1.0, 1.0]}, 2),
        ({"embedding__cosine": [0.9, None, 0.999, None, 1.0]}, 3),
        ({"embedding__collapse": [0.4, 0.99, 0.99]}, 2),
        ({"whole__spread": [0.5, 0.05, 0.02], "whole__dropped": [0.0, 0.0, 0.0]}, 2),
        ({"spread__spread": [0.05, 0.02]}, 1),
    ],
)
def test_features_that_say_nothing_are_a_collapse(columns: dict[str, Values], since: int) -> None:
    assert kinds(curves(**columns)) == {"collapsed": since}


@pytest.mark.parametrize(
    "columns",
    [
        {"embedding__cosine": [0.9, 0.95, 0.9]},
        {"embedding__cosine": [0.9, 0.9, 1.0]},
        {"embedding__cosine": [1.0, 1.0, 0.9]},
        {"embedding__cosine": [None, None]},
        {"region__spread": [0.0, 0.0], "region__dropped": [1.0, 1.0]},
        {"loss": [3.0, 2.0, 1.0]},
    ],
)
def test_features_that_say_something_are_none(columns: dict[str, Values]) -> None:
    assert kinds(curves(**columns)) == {}


def test_a_stage_of_one_epoch_is_judged_by_it() -> None:
    assert kinds(curves(embedding__cosine=[1.0]), epochs=1) == {"collapsed": 1}
    assert kinds(curves(embedding__cosine=[1.0]), epochs=2) == {}


@pytest.mark.parametrize(
    ("columns", "lowest", "since"),
    [
        ({"accuracy": [0.5, 0.995, 1.0, 1.0]}, 0.0, 2),
        ({"identity__accuracy": [0.995, 0.2, 0.99, 0.99]}, 0.0, 3),
        ({"loss": [2.0, 1.0, 0.01, 0.001]}, 0.0, 3),
        ({"loss": [-0.2, -0.999, -0.999]}, -1.0, 2),
    ],
)
def test_what_stays_at_its_bound_is_solved(
    columns: dict[str, Values], lowest: float, since: int
) -> None:
    assert kinds(curves(**columns), lowest_loss=lowest) == {"solved": since}


@pytest.mark.parametrize(
    "columns",
    [
        {"accuracy": [0.5, 0.9, 0.995]},
        {"accuracy": [1.0, 1.0, 0.9]},
        {"loss": [2.0, 1.0, 0.5]},
        {"loss": [-0.9, -0.95, -0.99]},
    ],
)
def test_what_still_moves_is_not_solved(columns: dict[str, Values]) -> None:
    assert kinds(curves(**columns), lowest_loss=-1.0) == {}


def test_a_collapse_explains_a_loss_at_its_bound() -> None:
    table = curves(loss=[1.0, 0.0, 0.0], embedding__cosine=[0.9, 1.0, 1.0])
    assert kinds(table) == {"collapsed": 2}


def test_a_finding_is_one_line_with_cause_and_advice() -> None:
    table = curves(embedding__cosine=[0.9, 0.9991, 0.9992], whole__spread=[0.4, 0.2, 0.1])
    [found] = find(table, 10, 0.0, stop=True)
    assert found.text.startswith(
        "collapsed from epoch 2: embedding/cosine is 0.9992 (at least 0.999): "
    )
    assert "lower lr" in found.text
    assert "\n" not in found.text
    assert found.ends
    [solved] = find(curves(region__accuracy=[0.4, 1.0, 1.0]), 10, 0.0, stop=True)
    assert solved.text.startswith(
        "solved from epoch 2: region/accuracy stays at 1.0000 (1 is its most): nothing more is"
    )
    assert not solved.ends
