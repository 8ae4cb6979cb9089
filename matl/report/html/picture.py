"""Figures of a page, each drawn where what it shows has changed since it was drawn last."""

import hashlib
import inspect
import io
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from matl.files import json_bytes, read_json, read_whole, replace_file
from matl.names import FIGURE_DIGESTS, FIGURES
from matl.report.drawing import COLOURS, png_bytes
from matl.visible import visible

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
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Picture:
    """A figure that is not drawn yet, with what a reader must know of it.

    Attributes:
        name: Of its files, and of what its SVG defines: unique on a page.
        draw: Draws it, with the colours of `matl.report.drawing`.
        shown: The arguments of `draw`: tables, dataclasses and plain values.
        alt: What it shows, for who cannot see it.
        caption: Split, positive class, what an interval is.
        wide: Whether it takes the whole width of the page.
    """

    name: str
    draw: Callable[..., Any]
    shown: tuple[Any, ...]
    alt: str
    caption: str
    wide: bool = False

    def digest(self) -> str:
        """SHA-256 of all that the figure is drawn from: its arguments, and the code that draws."""
        known = hashlib.sha256(_sources(self.draw.__module__).encode())
        known.update(f"{self.draw.__qualname__} {self.name}".encode())
        _feed(known, self.shown)
        return known.hexdigest()


@dataclass(frozen=True)
class DrawnPicture:
    """A picture with its figure as an SVG file."""

    picture: Picture
    svg: bytes

    def inline(self) -> Markup:
        """The figure as an SVG element in the page's colours and fonts."""
        text, name = self.svg.decode(), self.picture.name
        [(width, height)] = _SIZE.findall(text[: text.index(">", text.index("<svg"))])
        body = text[text.index(">", text.index("<svg")) + 1 :]
        body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
        body = _COLOUR.sub(lambda match: _ON_PAGE[match.group()], body)
        body = _IDENTIFIER.sub(rf"\g<1>{name}-", body)
        body = _FONTS.sub("var(--font)", body)
        alt = escape(self.picture.alt)
        look = f'viewBox="0 0 {width} {height}" role="img" aria-label="{alt}"'
        links = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return Markup(f"<svg {look} {links}>{body}")


class FigureFolder:
    """The figures beside a page, and what each was drawn from.

    Args:
        page: The folder that holds the page.
    """

    def __init__(self, page: Path) -> None:
        self.folder = page / FIGURES
        self._before = self._read()
        self._now: dict[str, dict[str, str]] = {}

    def drawn(self, pictures: Iterable[Picture]) -> list[DrawnPicture]:
        """The figures of some pictures; those whose files are not theirs are drawn."""
        return [DrawnPicture(one, self._svg(one)) for one in pictures]

    def tidy(self) -> None:
        """Notes what was drawn from what, and removes the figures of earlier pages."""
        self.folder.mkdir(exist_ok=True)
        for name in self._before.keys() - self._now.keys():
            for file in self._files(name).values():
                file.unlink(missing_ok=True)
        replace_file(self.folder / FIGURE_DIGESTS, json_bytes(self._now))

    def _svg(self, picture: Picture) -> bytes:
        digest, files = picture.digest(), self._files(picture.name)
        noted = {"drawn_from": digest, **{kind: _sha256(file) for kind, file in files.items()}}
        if noted != self._before.get(picture.name):
            self.folder.mkdir(exist_ok=True)
            _draw(picture, files)
            noted |= {kind: _sha256(file) for kind, file in files.items()}
        self._now[picture.name] = noted
        return files["svg"].read_bytes()

    def _files(self, name: str) -> dict[str, Path]:
        return {kind: self.folder / f"{name}.{kind}" for kind in ("svg", "png")}

    def _read(self) -> Mapping[str, Any]:
        try:
            found = read_json(read_whole(self.folder / FIGURE_DIGESTS))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _draw(picture: Picture, files: Mapping[str, Path]) -> None:
    import matplotlib

    figure = picture.draw(*picture.shown)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": picture.name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    figure.set_layout_engine("none")  # it is laid out now, and that takes longest
    replace_file(files["svg"], visible(buffer.getvalue().decode()).encode())
    replace_file(files["png"], png_bytes(figure))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _feed(known: Any, value: Any) -> None:
    """Adds a value to a digest: tables by their cells, all else as it is written."""
    if isinstance(value, pd.DataFrame | pd.Series):
        columns = list(value.columns) if isinstance(value, pd.DataFrame) else [value.name]
        known.update(repr(columns).encode())
        known.update(pd.util.hash_pandas_object(value).to_numpy().tobytes())
    elif isinstance(value, Mapping):
        for name, one in value.items():
            known.update(f"{name}:".encode())
            _feed(known, one)
    elif isinstance(value, list | tuple):
        known.update(f"{len(value)}:".encode())
        for one in value:
            _feed(known, one)
    elif is_dataclass(value) or value is None or isinstance(value, str | int | float):
        known.update(f"{value!r};".encode())
    else:
        raise TypeError(f"a figure is drawn from a {type(value).__name__}, which has no digest")


@cache
def _sources(module: str) -> str:
    """The code of a module of ours, and of those that it takes something from."""
    taken = {getattr(one, "__module__", None) for one in vars(sys.modules[module]).values()}
    ours = sorted({module, *(one for one in taken if one and one.startswith("matl."))})
    return "".join(map(_source, ours))


def _source(module: str) -> str:
    """The code of a module; where it came without, its name: then a change is not seen."""
    try:
        return inspect.getsource(sys.modules[module])
    except OSError:
        return module
