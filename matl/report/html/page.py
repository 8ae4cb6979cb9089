"""The frame of every page: its template, style sheet and script in one file."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matl.files import replace_file
from matl.names import FIGURES, PAGE
from matl.report.drawing import png_bytes
from matl.report.html.picture import Picture


def render(template: str, **values: Any) -> bytes:
    """A page as HTML that asks for nothing from outside.

    All that is not `Markup` is escaped. The page's own policy allows its one script by its digest
    and no request at all, so that not even a name that slipped through could run or load anything.

    Args:
        template: Its name in `templates`.
        values: What it shows.
    """
    script = _file("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    frame = {"style": Markup(_file("style.css")), "script": Markup(script), "digest": digest}
    return _environment().get_template(template).render(**frame, **values).encode()


def write_page(folder: Path, page: bytes, pictures: Sequence[Picture]) -> Path:
    """Writes a page into a folder, and its figures beside it in place of older ones.

    Returns:
        The page's path.
    """
    (folder / FIGURES).mkdir(exist_ok=True)
    drawn = {picture.name for picture in pictures}
    for file in (folder / FIGURES).iterdir():
        if file.suffix in (".svg", ".png") and file.stem not in drawn:
            file.unlink()
    for picture in pictures:
        replace_file(folder / FIGURES / f"{picture.name}.svg", picture.svg)
        replace_file(folder / FIGURES / f"{picture.name}.png", png_bytes(picture.figure))
    replace_file(folder / PAGE, page)
    return folder / PAGE


@cache
def _environment() -> Environment:
    loader = PackageLoader(__package__)
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")
