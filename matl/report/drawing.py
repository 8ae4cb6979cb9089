"""What all figures share: a canvas without a display, colours, and text.

Drawn with matplotlib's object interface on an Agg canvas, so no display and no global state is
needed. Colours are Okabe and Ito's ("Color universal design", 2008), told apart by colour-blind
readers; line styles differ as well.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import cycle
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING

from matl.visible import visible

if TYPE_CHECKING:  # it is imported where something is drawn: a page reads what was drawn before
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LEGEND_COLUMNS = 2
LETTERS_AN_INCH = 5.5
"""Of a figure's width, that fit into each of the legend's columns."""
STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def score_figure(title: str, across: str, upward: str) -> tuple[Figure, Axes]:
    """A figure of curves over scores, 5.2 inches wide, to which `legend_below` adds its height.

    Args:
        title: Should name the split and the positive class.
        across: What the horizontal axis is.
        upward: What the vertical axis is.
    """
    figure = new_figure(5.2, 5.6)
    figure.set_layout_engine("constrained", h_pad=0.1)
    axes = figure.add_subplot()
    axes.set_title(plain_text(title), fontsize=10)
    axes.set(xlabel=across, ylabel=upward)
    return figure, axes


def legend_below(figure: Figure, title: str) -> None:
    """The legend of all that was drawn with a label, below a figure that grows by its height."""
    entries = [axes.get_legend_handles_labels() for axes in figure.axes]
    handles = [handle for found, _ in entries for handle in found]
    texts = [text for _, found in entries for text in found]
    width, height = figure.get_size_inches()
    room = int(LETTERS_AN_INCH * width)
    columns = LEGEND_COLUMNS if max(map(len, texts)) <= room else 1
    texts = [wrapped(text, LEGEND_COLUMNS * room // columns) for text in texts]
    lines = sum(text.count("\n") + 1 for text in texts)
    figure.set_size_inches(width, height + 0.2 * ceil(lines / columns))
    figure.legend(
        handles,
        texts,
        loc="outside lower center",
        title=title,
        fontsize=9,
        title_fontsize=9,
        ncols=columns,
        frameon=False,
    )


def wrapped(text: str, letters: int) -> str:
    """Text in lines of so many letters."""
    return "\n".join(wrap(text, letters)) or text


def looks() -> Iterator[tuple[str, object]]:
    """Colours and line styles, endlessly."""
    return zip(cycle(COLOURS), cycle(STYLES), strict=False)


def plain_text(text: str) -> str:
    """Text that matplotlib draws as it is, without reading it as mathematics."""
    return visible(text).replace("$", r"\$")


def png_bytes(figure: Figure | None) -> bytes | None:
    """A figure as a PNG file; None where there is none."""
    if figure is None:
        return None
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
