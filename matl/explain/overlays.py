"""A sheet of cases: the image, and over it each method's map with the lung field's outline."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from matl.explain.attribution import OUTCOMES, enlarge
from matl.explain.evidence import GRAD_CAM, Diagnosis, Pictures
from matl.report.drawing import new_figure, plain_text

EACH = 3
TILE, BLOCK = 1.35, 4.0  # least inches of an image, and of a block of them
LETTERS_AN_INCH = 11
COLOURS, OPACITY = "turbo", 0.45
"""Of a map over its image."""
LUNGS, LESION = "#FFFFFF", "#FF4FD8"
ClassOutcome = tuple[str, str]


def choose_cases(
    table: pd.DataFrame, classes: Sequence[str], seed: int = 0, each: int = EACH
) -> dict[ClassOutcome, list[int]]:
    """Draws as many right as wrong images of each class, at random and one per patient.

    Args:
        table: one row per image: `label`, `outcome`, `source`, `patient`; its index counts them.
        classes: the classes' names.
        seed: of the draw.
        each: images of each group; fewer where it has fewer patients.

    Returns:
        Row numbers by class and outcome.
    """
    drawn = table.sample(frac=1, random_state=seed)
    cases = {}
    for label in classes:
        for outcome in OUTCOMES:
            group = drawn[(drawn["label"] == label) & (drawn["outcome"] == outcome)]
            cases[label, outcome] = list(group.drop_duplicates(["source", "patient"]).index[:each])
    return cases


def case_numbers(cases: Mapping[ClassOutcome, Sequence[int]]) -> dict[int, int]:
    """The number on the sheet of each case, by its row, counted from 1."""
    rows = [row for group in cases.values() for row in group]
    return {row: number for number, row in enumerate(rows, start=1)}


def overlay_figure(
    cases: Mapping[ClassOutcome, Sequence[int]],
    diagnosis: Diagnosis,
    pictures: Pictures,
    title: str,
    positive: str,
) -> Figure:
    """Draws the sheet: one block per class and outcome, one line per case, one column per method.

    Args:
        cases: of `choose_cases`.
        diagnosis: whose maps are shown.
        pictures: the images of its table.
        title: what the sheet shows.
        positive: name of the positive class.
    """
    height, width = pictures.size
    table = diagnosis.table
    columns, rows = 1 + len(diagnosis.maps), max(1, *map(len, cases.values()))
    tile = max(TILE, BLOCK / columns)
    inches = 2 * (columns * tile + 0.55)
    figure = new_figure(inches, 2 * (rows * tile * height / width + 0.55) + 0.9)
    blocks = figure.subfigures(2, 2, squeeze=False).ravel()
    numbers = case_numbers(cases)
    for block, (group, chosen) in zip(blocks, cases.items(), strict=True):
        of_group = (table["label"] == group[0]) & (table["outcome"] == group[1])
        heading = f"{group[0]}, {group[1]}: {len(chosen)} of {of_group.sum()}"
        block.suptitle(plain_text(heading), fontsize=10, fontweight="bold")
        scores = table["score"].loc[list(chosen)]
        labels = [f"{numbers[r]}: p = {p:.2f}" for r, p in zip(chosen, scores, strict=True)]
        _draw_block(
            block.subplots(rows, columns, squeeze=False), chosen, labels, diagnosis, pictures
        )
    outlines = "white: lung field found" + ("" if pictures.lesions is None else "; pink: lesion")
    scale = "maps from 0 (dark blue) to their own maximum (red)"
    legend = f"{outlines}; {scale}; p: probability of {positive}"
    lines = [line for text in (title, legend) for line in wrap(text, int(LETTERS_AN_INCH * inches))]
    figure.suptitle(plain_text("\n".join(lines)), fontsize=10)
    return figure


def _draw_block(
    grid: np.ndarray,
    chosen: Sequence[int],
    labels: Sequence[str],
    diagnosis: Diagnosis,
    pictures: Pictures,
) -> None:
    for axes in grid.ravel():
        axes.set_axis_off()
    if not chosen:
        grid[0, 0].text(0, 0.5, "none", fontsize=9, transform=grid[0, 0].transAxes)
        return
    for axes, method in zip(grid[0, 1:], diagnosis.maps, strict=True):
        axes.set_title(plain_text(_heading(method)), fontsize=8)
    for line, row, label in zip(grid, chosen, labels, strict=False):
        for axes in line:
            _draw_image(axes, row, pictures)
        line[0].text(
            -0.04,
            0.5,
            label,
            rotation=90,
            fontsize=7,
            ha="right",
            va="center",
            transform=line[0].transAxes,
        )
        for axes, maps in zip(line[1:], diagnosis.maps.values(), strict=True):
            _draw_map(axes, maps[row], pictures.size)


def _heading(method: str) -> str:
    family, _, stride = method.rpartition("_")
    return "Grad-CAM" if method == GRAD_CAM else f"{family}, stride {stride}"


def _draw_image(axes: Axes, row: int, pictures: Pictures) -> None:
    image = pictures.images[row].transpose(1, 2, 0)
    axes.imshow(image.squeeze(2) if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=1)
    if pictures.fields[row].any():
        axes.contour(pictures.fields[row], levels=[0.5], colors=LUNGS, linewidths=0.9)
    if pictures.lesions is not None and pictures.lesions[row].any():
        axes.contour(pictures.lesions[row], levels=[0.5], colors=LESION, linewidths=0.9)


def _draw_map(axes: Axes, one: np.ndarray, size: tuple[int, int]) -> None:
    """Draws a map from 0 to its own maximum."""
    if not one.any():
        place = axes.transAxes
        axes.text(0.5, 0.04, "empty", color="white", fontsize=7, ha="center", transform=place)
        return
    wide = enlarge(torch.from_numpy(one[None]), size)[0].numpy()
    wide = wide / wide.max()
    axes.imshow(wide, cmap=COLOURS, vmin=0, vmax=1, alpha=OPACITY)
