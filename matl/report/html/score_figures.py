"""Figures of a diagnosis's scores beside the ROC curve.

Each takes checked scores of one split and both classes by the model's name, and a title that should
name the split and the positive class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matl.evaluation.metrics import Estimate
from matl.evaluation.statistics.calibration import BINS, calibration_error, reliability
from matl.evaluation.statistics.decision import net_benefit
from matl.report.drawing import legend_below, looks, plain_text, score_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#999999"
ModelScores = Mapping[str, pd.DataFrame]


def precision_recall_figure(
    scores: ModelScores, average: Mapping[str, Estimate], title: str
) -> Figure:
    """Precision over recall, with each model's average precision in the legend.

    Args:
        scores: See above.
        average: Each model's average precision.
        title: See above.
    """
    from sklearn.metrics import precision_recall_curve

    figure, axes = score_figure(title, "Recall (sensitivity)", "Precision")
    share = float(np.mean([table["label"].mean() for table in scores.values()]))
    axes.axhline(share, color=GREY, linewidth=1)
    for (name, table), (colour, style) in zip(scores.items(), looks(), strict=False):
        precision, recall, _ = precision_recall_curve(table["label"], table["score"])
        look: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": 1.8}
        text = f"{plain_text(name)}  {average[name]}"
        axes.step(recall, precision, where="post", label=text, **look)
    _unit_square(axes)
    legend_below(figure, "Average precision [95 % over patients]; grey: share of positives")
    return figure


def reliability_figure(scores: ModelScores, title: str) -> Figure:
    """What was observed over what was predicted; a larger dot is of more images."""
    across, upward = "Predicted probability (mean of a bin)", "Observed share of positives"
    figure, axes = score_figure(title, across, upward)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    for (name, table), (colour, style) in zip(scores.items(), looks(), strict=False):
        label, score = table["label"].to_numpy(), table["score"].to_numpy()
        bins = reliability(label, score)
        text = f"{plain_text(name)}  {calibration_error(label, score):.3f}"
        place = bins["predicted"], bins["observed"]
        axes.plot(*place, color=colour, linestyle=style, linewidth=1.4, label=text)
        area = 12 + 240 * bins["images"] / len(table)
        axes.scatter(*place, s=area, color=colour, edgecolors="white", linewidths=0.8, zorder=3)
    _unit_square(axes)
    legend_below(figure, f"Calibration error over {BINS} bins; a dot's area: images")
    return figure


def decision_figure(scores: ModelScores, title: str) -> Figure:
    """Net benefit of acting on each model over the probability from which one acts."""
    across, upward = "Threshold probability", "Net benefit (an image)"
    figure, axes = score_figure(title, across, upward)
    for (name, table), (colour, style) in zip(scores.items(), looks(), strict=False):
        curve = net_benefit(table["label"].to_numpy(), table["score"].to_numpy())
        axes.plot(
            curve["threshold"],
            curve["model"],
            color=colour,
            linestyle=style,
            linewidth=1.8,
            label=plain_text(name),
        )
    axes.plot(curve["threshold"], curve["treat_all"], ":", color=GREY, label="act on all")
    axes.plot(curve["threshold"], curve["treat_none"], "-", color=GREY, lw=1, label="act on none")
    highest = max(float(curve["treat_all"].max()), 0.05)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.35 * highest, 1.1 * highest))
    legend_below(figure, "Acting by")
    return figure


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
