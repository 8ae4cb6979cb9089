"""What all figures share: a canvas without a display, colours, and text.

Drawn with matplotlib's object interface on an Agg canvas, so no display and no global state is
needed. Colours are Okabe and Ito's ("Color universal design", 2008), told apart by colour-blind
readers; line styles differ as well.
"""

from collections.abc import Iterator
from itertools import cycle

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
STYLES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; width and height in inches."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def looks() -> Iterator[tuple[str, object]]:
    """Colours and line styles, endlessly."""
    return zip(cycle(COLOURS), cycle(STYLES), strict=False)


def plain_text(text: str) -> str:
    """Text that matplotlib draws as it is, without reading it as mathematics."""
    return text.replace("$", r"\$")
