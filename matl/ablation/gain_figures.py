"""Figures of an ablation: gains with their intervals, and what fewer labels cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from matl.ablation.ablation_record import Comparison, Mean
from matl.evaluation.statistics.contrasts import Contrast
from matl.report.drawing import COLOURS, STYLES, legend_below, new_figure, plain_text, wrapped
from matl.report.rows import current_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#999999"
NAME_LETTERS = 44
APART = 0.35
"""Over how many doublings of the x value a panel's lines spread, so that none hides another."""


def forest_figure(
    comparisons: Sequence[Comparison], metric: str, margin: float, title: str
) -> Figure:
    """Each difference with its interval, on the metric's own and on the logit scale.

    Args:
        comparisons: From top to bottom; the primary one is drawn bold.
        metric: Its name, as it is shown.
        margin: Of the primary one, drawn as a dashed line on the metric's scale.
        title: Should name the split.
    """
    names = [wrapped(plain_text(one.what), NAME_LETTERS) for one in comparisons]
    figure = new_figure(10.4, 1.5 + 0.32 * sum(name.count("\n") + 1 for name in names))
    left, right = figure.subplots(1, 2, sharey=True)
    for at, one in enumerate(comparisons):
        look = {"color": COLOURS[1] if one.primary else COLOURS[0], "zorder": 3}
        for axes, found in ((left, one.plain), (right, one.logit)):
            width = 2.6 if one.primary else 1.6
            if found.low is not None:
                axes.plot([found.low, found.high], [at, at], linewidth=width, **look)
            axes.plot(found.value, at, "o", markersize=8 if one.primary else 6, **look)
    left.set_yticks(range(len(names)), names, fontsize=9)
    for one, text in zip(comparisons, left.get_yticklabels(), strict=True):
        text.set_fontweight("bold" if one.primary else "normal")
    left.set_ylim(len(names) - 0.4, -0.6)
    if margin and any(one.primary for one in comparisons):
        left.axvline(margin, color=COLOURS[1], linewidth=1, linestyle="--")
    for axes, scale in ((left, metric), (right, f"logit of {metric}")):
        axes.axvline(0, color=GREY, linewidth=1)
        axes.set_xlabel(f"Gain, {scale}", fontsize=9)
        axes.tick_params(axis="x", labelsize=8)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    figure.suptitle(plain_text(title), fontsize=10)
    return figure


def efficiency_figure(
    means: Sequence[Mean],
    gains: Sequence[Comparison],
    floors: pd.Series,
    metric: str,
    title: str,
) -> Figure:
    """The metric and its gain over the share of the training patients' labels.

    Args:
        means: Of one split.
        gains: Of single arms on that split.
        floors: The floor's metric, indexed by the shares in order.
        metric: Its name, as it is shown.
        title: Should name the split.
    """
    from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

    figure = new_figure(10.4, 4.6)
    figure.set_layout_engine("constrained", h_pad=0.1)
    left, right = figure.subplots(1, 2)
    looks = _looks(means)
    reached = _lines([(one.arm, one.regime, one.fraction, one.value) for one in means])
    gained = _lines([(one.arms[0], one.regime, one.fraction, one.plain) for one in gains])
    for axes, lines in ((left, reached), (right, gained)):
        for place, (key, points) in enumerate(lines.items()):
            shift = 2 ** (APART * (place / max(len(lines) - 1, 1) - 0.5))
            label = f"{key[0]}, {current_name(key[1])}" if axes is left else None
            _draw(axes, points, shift, looks[key], label)
    left.plot(floors.index, floors, ":", color=GREY, label="floor")
    right.axhline(0, color=GREY, linewidth=1)
    for axes, text in ((left, metric), (right, f"Gain over training from scratch, {metric}")):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(list(floors.index)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.set(xlabel="Share of the training patients", ylabel=text)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, 0 if axes is left else -1), min(high, 1.02))
    figure.suptitle(plain_text(title), fontsize=10)
    legend_below(figure, "Arm, regime; bars: 95 % over seeds and patients")
    return figure


Lines = dict[tuple[str, str], dict[float, Contrast]]


def _lines(points: Sequence[tuple[str, str, float, Contrast]]) -> Lines:
    """Values by arm and regime, then by share."""
    lines: Lines = {}
    for arm, regime, fraction, found in points:
        lines.setdefault((arm, regime), {})[fraction] = found
    return lines


def _looks(means: Sequence[Mean]) -> dict[tuple[str, str], dict[str, Any]]:
    """A colour an arm and a line style a regime."""
    arms = list(dict.fromkeys(one.arm for one in means))
    regimes = list(dict.fromkeys(one.regime for one in means))
    return {
        (arm, regime): {
            "color": COLOURS[place % (len(COLOURS) - 1)],
            "linestyle": STYLES[number % len(STYLES)],
        }
        for place, arm in enumerate(arms)
        for number, regime in enumerate(regimes)
    }


def _draw(
    axes: Axes,
    points: Mapping[float, Contrast],
    shift: float,
    look: Mapping[str, Any],
    label: str | None,
) -> None:
    shares = sorted(points)
    across = [share * shift for share in shares]
    text = None if label is None else plain_text(label)
    values = [points[share].value for share in shares]
    axes.plot(across, values, marker="o", markersize=4, linewidth=1.6, label=text, **look)
    for place, share in zip(across, shares, strict=True):
        low, high = points[share].low, points[share].high
        if low is not None and high is not None:
            axes.plot([place, place], [low, high], color=look["color"], linewidth=1, alpha=0.7)
