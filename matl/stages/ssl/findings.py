"""Whether a self-supervised stage has collapsed, or has nothing left to learn, from its curves."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from matl.stages.finding import Finding

STAY = 2
"""Epochs, of those that were measured, for which a state must last to be named."""
ALIKE = 0.999
"""Mean cosine of two images' pooled features from which they say nothing any more. Of networks with
drawn weights it is up to 0.996 on CT slices."""
FLAT = 0.98
"""MONAI's collapse from which no more than a fiftieth of the directions is left. Of networks with
drawn weights it is up to 0.87 on CT slices."""
LEAST_SPREAD = 0.1
"""Spread of projections, as a share of an even spread, below which they say nothing any more."""
NEAR = 0.01
"""How near to its bound an accuracy is, or a loss, as a share of where it began."""
COLLAPSE_ADVICE = (
    "the features say nothing any more; lower lr, raise warmup or batch_size, change the weights "
    "of the terms, or choose another method"
)
SOLVED_ADVICE = (
    "nothing more is learned from it; make it harder (a smaller views.crop), train fewer epochs, "
    "or choose another method"
)


class State(NamedTuple):
    """A state that a logged value has had since an epoch: in words, with the value."""

    epoch: int
    words: str


def find(
    curves: pd.DataFrame, epochs: int, lowest_loss: float, stop: bool = False
) -> list[Finding]:
    """What the curves of a stage say so far: `collapsed`, else `solved`, else nothing.

    Args:
        curves: One row per epoch: `epoch`, from 1, and the logged values; missing where a value
            was not measured.
        epochs: How many are to be trained.
        lowest_loss: What the loss cannot fall below.
        stop: Whether a stage that has collapsed is to end.
    """
    collapsed = list(_collapsed(curves, min(STAY, epochs)))
    if collapsed:
        return [_finding("collapsed", collapsed, COLLAPSE_ADVICE, ends=stop)]
    solved = list(_solved(curves, lowest_loss))
    return [_finding("solved", solved, SOLVED_ADVICE, ends=False)] if solved else []


def _finding(kind: str, states: list[State], advice: str, ends: bool) -> Finding:
    since = min(state.epoch for state in states)
    causes = ", ".join(state.words for state in states)
    return Finding(kind, since, f"{kind} from epoch {since}: {causes}: {advice}", ends)


def _collapsed(curves: pd.DataFrame, least: int) -> Iterator[State]:
    for name in map(str, curves):
        values = _known(curves, name)
        if name == "embedding/cosine":
            held, limit = values >= ALIKE, f"at least {ALIKE}"
        elif name == "embedding/collapse":
            held, limit = values >= FLAT, f"at least {FLAT}"
        elif name.endswith("spread"):
            held, limit = values < LEAST_SPREAD, f"below {LEAST_SPREAD}"
            unused = _known(curves, name.replace("spread", "dropped")) >= 1
            held &= ~unused.reindex(held.index, fill_value=False)
        else:
            continue
        since = _since(held, least)
        if since is not None:
            yield State(since, f"{name} is {values.iloc[-1]:.4f} ({limit})")


def _solved(curves: pd.DataFrame, lowest_loss: float) -> Iterator[State]:
    for name in map(str, curves):
        values = _known(curves, name)
        if name.endswith("accuracy"):
            held, bound = values >= 1 - NEAR, "1 is its most"
        elif name == "loss" and len(values):
            above = values - lowest_loss
            held, bound = above <= NEAR * above.iloc[0], f"{lowest_loss:g} is its least"
        else:
            continue
        since = _since(held, STAY)
        if since is not None:
            yield State(since, f"{name} stays at {values.iloc[-1]:.4f} ({bound})")


def _known(curves: pd.DataFrame, name: str) -> pd.Series:
    """The measured values of a column by epoch; none where there is no such column."""
    by_epoch = curves.set_index("epoch", drop=False)
    return by_epoch[name].dropna() if name in by_epoch else pd.Series(dtype=float)


def _since(held: pd.Series, least: int) -> int | None:
    """The epoch from which a state has lasted to the end, None where it has not lasted enough."""
    last = held[::-1].cummin()
    lasted = last[last.astype(bool)]
    return int(lasted.index[-1]) if len(lasted) >= max(least, 1) else None
