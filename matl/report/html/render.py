"""The frame of every page: its template, style sheet and script in one file."""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matl.visible import visible


def render(template: str, **values: Any) -> bytes:
    """A page as HTML that asks for nothing from outside.

    All that is not `Markup` is escaped. The page's own policy allows its one script by its digest
    and no request at all, so that not even a name that slipped through could run or load anything.

    Args:
        template: Its name in `templates`.
        values: What it shows.
    """
    script = _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    frame = {"style": Markup(_file("style.css")), "script": Markup(script), "digest": digest}
    page = _environment().get_template(template).render(**frame, **values)
    return visible(page).encode()


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
