"""The reference of all settings as text and as Markdown."""

import textwrap
from collections.abc import Sequence

from matl.config.reference import REQUIRED, Section, Setting

WIDTH = 80
_INTRODUCTION = (
    "Every key of an experiment and of an ablation. `NAME` is a name of yours. This page is what "
    "`matl config --reference --markdown` prints."
)


def as_text(sections: Sequence[Section], width: int = WIDTH) -> str:
    """The reference for a terminal.

    Args:
        sections: What it explains.
        width: Of its lines.
    """
    lines: list[str] = []
    for section in sections:
        lines += ["", section.title, *_wrapped(section.about, width, "")]
        for one in section.settings:
            lines += [f"  {one.key}", *_wrapped(one.meaning, width, "      ")]
            lines += _wrapped(_facts(one).replace("`", ""), width, "      ")
    return "\n".join(lines[1:]) + "\n"


def _facts(one: Setting) -> str:
    """Values, unit and default in one line."""
    unit = f" ({one.unit})" if one.unit else ""
    default = one.default if one.default in (REQUIRED, "") else f"default: {one.default}"
    return "; ".join(part for part in (f"{one.values}{unit}", default) if part)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def as_markdown(sections: Sequence[Section]) -> str:
    """The reference as the page `docs/settings.md`.

    Args:
        sections: What it explains.
    """
    parts = ["# Settings", _INTRODUCTION]
    for section in sections:
        parts += [f"## {section.title}", section.about]
        if section.settings:
            lines = ["| key | meaning | unit | values | default |", "|---|---|---|---|---|"]
            parts.append("\n".join([*lines, *map(_row, section.settings)]))
    return "\n\n".join(parts) + "\n"


def _row(one: Setting) -> str:
    default = one.default if one.default in (REQUIRED, "") else f"`{one.default}`"
    cells = (f"`{one.key}`", one.meaning, one.unit, one.values, default)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
