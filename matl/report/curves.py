"""Figures of a run: ROC curves and training curves."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matl.evaluation.metrics import THRESHOLD, Estimate
from matl.report.drawing import (
    legend_below,
    looks,
    new_figure,
    plain_text,
    score_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPLITS = ("train", "val", "test")
COSTS = ("images", "seconds", "peak_memory_mb")
"""What a stage logs beside what it learns."""
SCALES_APART = ("embedding",)
"""Families whose values have scales of their own, so that each has a panel."""
PANELS_A_ROW = 4
PANEL_LETTERS = 22
"""Of a line of a panel's legend; its title holds twice as many."""
_FEW_POINTS = 12


def roc_figure(
    scores: Mapping[str, pd.DataFrame], auroc: Mapping[str, Estimate], title: str
) -> Figure:
    """Draws the ROC curve of each model, with its AUROC in the legend.

    Args:
        scores: Checked scores of one split and both classes, by the model's name.
        auroc: Each model's AUROC.
        title: Should name the split and the positive class.

    Returns:
        A figure in which a dot marks the threshold that the metrics use.
    """
    from sklearn.metrics import roc_curve

    across, upward = "1 − specificity (false positive rate)", "Sensitivity (true positive rate)"
    figure, axes = score_figure(title, across, upward)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    for (name, table), (colour, style) in zip(scores.items(), looks(), strict=False):
        label, score = table["label"].to_numpy(), table["score"].to_numpy()
        false_alarms, hits, _ = roc_curve(label, score, drop_intermediate=False)
        text = f"{plain_text(name)}  {auroc[name]}"
        axes.plot(false_alarms, hits, color=colour, linestyle=style, linewidth=1.8, label=text)
        called = score >= THRESHOLD
        point = called[label == 0].mean(), called[label == 1].mean()
        axes.plot(*point, "o", color=colour, markeredgecolor="white", markersize=8, zorder=3)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    legend_below(figure, f"AUROC [95 % over patients]; dot: threshold {THRESHOLD}")
    return figure


def training_figure(curves: Mapping[str, pd.DataFrame]) -> Figure | None:
    """Draws each stage's logged values over its epochs, in small panels.

    Values that differ only in their split share a panel ("loss" and "val/loss"), as do those of a
    family ("gate/16" and "gate/32"). The loss stands first.

    Args:
        curves: By the stage's name: a column `epoch` (else the rows are counted) and any numeric
            columns; missing and infinite values are left out.

    Returns:
        The figure, or None where there is nothing to draw.
    """
    stages = {name: _panels(table) for name, table in curves.items()}
    stages = {name: panels for name, panels in stages.items() if panels}
    if not stages:
        return None
    columns = min(PANELS_A_ROW, max(map(len, stages.values())))
    rows = sum(ceil(len(panels) / columns) for panels in stages.values())
    figure = new_figure(max(3.1 * columns, 4), 2.3 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_visible(False)
    place = 0
    for name, panels in stages.items():
        for axes, (title, lines) in zip(grid[place:], panels.items(), strict=False):
            _draw_panel(axes, f"{name}: {title}", lines)
        place += columns * ceil(len(panels) / columns)
    return figure


def has_values(table: pd.DataFrame) -> bool:
    """Whether a stage logged anything that `training_figure` draws."""
    return bool(_panels(table))


def _panels(table: pd.DataFrame) -> dict[str, dict[str, pd.Series]]:
    """The finite values of each column over the epochs, by panel, then by their name in it."""
    epochs = table["epoch"] if "epoch" in table else pd.RangeIndex(len(table))
    panels: dict[str, dict[str, pd.Series]] = {}
    for column in table.columns.drop("epoch", errors="ignore"):
        values = pd.to_numeric(table[column], errors="coerce")
        values = pd.Series(values.to_numpy(dtype=float), index=np.asarray(epochs))
        values = values[np.isfinite(values)]
        if len(values):
            panel, line = _place(str(column))
            panels.setdefault(panel, {})[line] = values
    return dict(sorted(panels.items(), key=lambda panel: _rank(panel[0])))


def _rank(title: str) -> int:
    """The loss stands first, then other losses, then the rest as it was logged."""
    return 0 if title == "loss" else 1 if title.endswith("loss") else 2


def _place(column: str) -> tuple[str, str]:
    """The panel of a column and its name there: "val/loss" gives ("loss", "val")."""
    family, _, rest = column.partition("/")
    if not rest or family in SCALES_APART:
        return column, "train"
    return (rest, family) if family in SPLITS else (family, rest)


def _draw_panel(axes: Axes, title: str, lines: Mapping[str, pd.Series]) -> None:
    from matplotlib.ticker import MaxNLocator

    of_splits = dict(zip(SPLITS, looks(), strict=False))
    others = looks()
    for name, values in lines.items():
        colour, style = of_splits[name] if name in of_splits else next(others)
        axes.plot(
            values.index,
            values.to_numpy(),
            color=colour,
            linestyle=style,
            marker="o" if len(values) <= _FEW_POINTS else None,
            markersize=3,
            linewidth=1.4,
            label=wrapped(plain_text(name), PANEL_LETTERS),
        )
    epochs = np.concatenate([values.index for values in lines.values()])
    axes.set_visible(True)
    axes.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
    axes.set_title(wrapped(plain_text(title), 2 * PANEL_LETTERS), fontsize=9)
    axes.set_xlabel("epoch", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    if set(lines) != {"train"}:
        axes.legend(fontsize=7)
