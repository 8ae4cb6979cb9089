"""The test images as points in the plane, as the diagnosis sees them."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from matl.evaluation.metrics import patient_codes
from matl.report.drawing import COLOURS, new_figure, plain_text

PERPLEXITY = 30.0
LEAST_IMAGES = 4
NAMED_PATIENTS = 6
REST = "#BBBBBB"
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


class Marked(NamedTuple):
    """Images of one colour: their name, which rows they are (bool [N]), and the colour."""

    name: str
    rows: np.ndarray
    colour: str


def embed(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE by scikit-learn, which keeps neighbours.

    van der Maaten and Hinton, https://www.jmlr.org/papers/v9/vandermaaten08a.html. It begins
    from the first two principal components. How far apart groups lie, and how large they are, means
    nothing. Where all images are alike, as to a collapsed network, they lie in one place.

    Args:
        features: float [N, P] of at least 4 images.
        seed: of the descent.

    Returns:
        float32 [N, 2].
    """
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    apart = features.astype(float) - features[0]
    reach = float(np.abs(apart).max())
    if reach == 0:
        return np.zeros((len(features), 2), dtype=np.float32)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return tsne.fit_transform((apart / reach).astype(np.float32))


def embedding_figure(
    models: Mapping[str, np.ndarray], table: pd.DataFrame, classes: Sequence[str], title: str
) -> Figure:
    """Draws a row of panels a model: coloured by class, by patient, and by source.

    Patients are numbered by how many images they have; they are not named.

    Args:
        models: places float [N, 2] of the same images, by the model's name.
        table: one row per image: `label`, `source`, `patient`.
        classes: the classes' names, in the order of their colours.
        title: of the figure.
    """
    sources = sorted(set(table["source"]))
    keys = {
        "class": _named(table["label"], classes),
        "patient": _patients(table),
        "source": _named(table["source"], sources),
    }
    figure = new_figure(11, 0.5 + 3.9 * len(models))
    grid = figure.subplots(len(models), len(keys), squeeze=False)
    for row, (model, places) in zip(grid, models.items(), strict=True):
        for axes, (key, groups) in zip(row, keys.items(), strict=True):
            _draw(axes, places, groups)
            axes.set_title(plain_text(f"{model}: by {key}"), fontsize=10)
    figure.suptitle(plain_text(title), fontsize=11)
    return figure


def _named(column: pd.Series, names: Sequence[str]) -> list[Marked]:
    of = {name: (column == name).to_numpy() for name in names}
    looks = zip(cycle(COLOURS), of.items(), strict=False)
    return [Marked(f"{name} ({rows.sum()})", rows, colour) for colour, (name, rows) in looks]


def _patients(table: pd.DataFrame) -> list[Marked]:
    """The other patients first, so that they lie beneath, then those with the most images."""
    codes = patient_codes(table)
    counts = np.bincount(codes)
    most = np.argsort(-counts, kind="stable")[:NAMED_PATIENTS]
    rest = ~np.isin(codes, most)
    groups = [Marked(f"{len(counts) - len(most)} others ({rest.sum()})", rest, REST)]
    for number, (code, colour) in enumerate(zip(most, COLOURS, strict=False), start=1):
        groups.append(Marked(f"patient {number} ({counts[code]})", codes == code, colour))
    return [group for group in groups if group.rows.any()]


def _draw(axes: Axes, places: np.ndarray, groups: Sequence[Marked]) -> None:
    for group, marker in zip(groups, cycle(MARKERS), strict=False):
        axes.scatter(
            places[group.rows, 0],
            places[group.rows, 1],
            color=group.colour,
            marker=marker,
            label=plain_text(group.name),
            s=22,
            alpha=0.8,
            edgecolors="white",
            linewidths=0.4,
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(fontsize=7, loc="best", framealpha=0.7)
