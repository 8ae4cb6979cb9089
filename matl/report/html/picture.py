"""Figures inside a page, which take its colours."""

import io
import re
from dataclasses import dataclass
from functools import cached_property

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from matl.report.drawing import COLOURS

# What the page draws in colours of its own, so that a dark one is readable.
_ON_PAGE = {
    **{colour.lower(): f"var(--series-{at})" for at, colour in enumerate(COLOURS[:-1], 1)},
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#999999": "var(--chance)",
    "#b0b0b0": "var(--line)",
    "#cccccc": "var(--line)",
}
_COLOUR = re.compile("|".join(_ON_PAGE))
_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)')
_FONTS = re.compile(r"'DejaVu Sans'[^;\"]*")


@dataclass(frozen=True)
class Picture:
    """A figure with what a reader must know of it.

    Attributes:
        name: Of its files, and of what its SVG defines: unique on a page.
        figure: Drawn with the colours of `matl.report.drawing`.
        alt: What it shows, for who cannot see it.
        caption: Split, positive class, what an interval is.
        wide: Whether it takes the whole width of the page.
    """

    name: str
    figure: Figure
    alt: str
    caption: str
    wide: bool = False

    def __post_init__(self) -> None:
        for axes in self.figure.axes:
            axes.spines[["top", "right"]].set_visible(False)

    def inline(self) -> Markup:
        """The figure as an SVG element in the page's colours and fonts."""
        text = self.svg.decode()
        body = text[text.index(">", text.index("<svg")) + 1 :]
        body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
        body = _COLOUR.sub(lambda match: _ON_PAGE[match.group()], body)
        body = _IDENTIFIER.sub(rf"\g<1>{self.name}-", body)
        body = _FONTS.sub("var(--font)", body)
        width, height = (72 * side for side in self.figure.get_size_inches())
        look = f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(self.alt)}"'
        links = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return Markup(f"<svg {look} {links}>{body}")

    @cached_property
    def svg(self) -> bytes:
        """The figure as an SVG file; the same figure gives the same bytes."""
        buffer = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": self.name, "svg.fonttype": "none"}):
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        self.figure.set_layout_engine("none")  # it is laid out now, and that takes longest
        return buffer.getvalue()
