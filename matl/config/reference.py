"""Every setting with its meaning, unit, possible values and default, from the dataclasses.

A meaning is the setting's entry in the `Attributes:` of its class or of one that it inherits from;
unit, choices and range are declared in the field's metadata, see `matl.stages.settings`.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from omegaconf import MISSING as NO_DEFAULT

from data_modules.config import DataConfig
from matl.ablation.schema import Ablation, Analysis, Regime, Split
from matl.backbones.config import BackboneConfig
from matl.config.schema import Experiment, LoggerConfig, TrainerConfig
from matl.plugins import load_class
from matl.stages.registry import TASKS
from matl.stages.settings import StageConfig
from matl.stages.ssl.task import METHODS, LungSSL
from matl.stages.task import Task
from matl.view_settings import ViewConfig

WIDTH = 88
REQUIRED = "required"
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: ""}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        key: Its name, with the sections above it.
        meaning: What it does; empty where no docstring says so.
        unit: What a number counts or measures; empty where it has none.
        values: What it may be: choices, or the type and the range.
        default: As YAML, or `REQUIRED`.
    """

    key: str
    meaning: str
    unit: str
    values: str
    default: str


@dataclass(frozen=True)
class Section:
    """Settings that belong together.

    Attributes:
        title: What they are of.
        about: What the section is, in a sentence.
        settings: In the order of their declaration.
    """

    title: str
    about: str
    settings: tuple[Setting, ...]


def reference() -> list[Section]:
    """Every setting of an experiment and of an ablation, by section."""
    stage = "stages.NAME."
    return [
        _section("Experiment", Experiment),
        _section("Backbone", BackboneConfig, "backbone."),
        _section("Stage", StageConfig, stage),
        *(_own(f"Task {name}", load_class(name, TASKS, Task, "task"), stage) for name in TASKS),
        *(_own(f"Method {name}", one, stage) for name, one in _methods()),
        _section("Data", DataConfig, f"{stage}data."),
        _section("Views", ViewConfig, f"{stage}views."),
        _section("Trainer", TrainerConfig, "trainer."),
        _section("Logger", LoggerConfig, "logger."),
        _section("Ablation", Ablation),
        _section("Regime of an ablation", Regime, "regimes.NAME."),
        _section("Split of an ablation", Split, "splits.NAME."),
        _section("Analysis of an ablation", Analysis, "analysis."),
    ]


def _methods() -> Iterator[tuple[str, type[Task]]]:
    for name in METHODS:
        yield name, load_class(name, METHODS, LungSSL, "method")


def _own(title: str, task: type[Task], start: str) -> Section:
    """The settings that a task or method adds to those that it inherits, or sets otherwise."""
    inherited = {name: one for base in task.settings.__mro__[1:] for name, one in _fields(base)}
    own = [
        name
        for name, one in _fields(task.settings)
        if name not in inherited or _default(inherited[name]) != _default(one)
    ]
    return _section(title, task.settings, start, own)


def _fields(kind: type) -> list[tuple[str, Field[Any]]]:
    return [(one.name, one) for one in fields(kind)] if is_dataclass(kind) else []


def _section(title: str, kind: type, start: str = "", only: list[str] | None = None) -> Section:
    hints, said = get_type_hints(kind), meanings(kind)
    settings = []
    for name, one in _fields(kind):
        if (only is None or name in only) and not is_dataclass(hints[name]):
            unit, values = one.metadata.get("unit", ""), _values(hints[name], one)
            settings.append(Setting(start + name, said.get(name, ""), unit, values, _default(one)))
    about = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return Section(title, about, tuple(settings))


def meanings(kind: type) -> dict[str, str]:
    """What the docstrings of a class and of those that it inherits from say of each attribute."""
    said: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        said |= _attributes(inspect.cleandoc(base.__doc__ or ""))
    return said


def _attributes(docstring: str) -> dict[str, str]:
    """The entries below `Attributes:`; several names may share one."""
    _, _, block = docstring.partition("Attributes:\n")
    block = re.split(r"\n(?=\S)", block)[0]
    said = {}
    for entry in re.split(r"\n(?= {4}\S)", block):
        names, colon, text = entry.strip().partition(":")
        if colon:
            meaning = " ".join(text.split())
            said |= {name.strip(): meaning for name in names.split(",")}
    return said


def _values(hint: Any, one: Field[Any]) -> str:
    declared = one.metadata
    if "choices" in declared:
        choices = ", ".join(f"`{choice}`" for choice in declared["choices"])
        return f"list of {choices}" if get_origin(hint) is list else choices
    bounds = [
        f"{words} {declared[name]:g}"
        for name, words in (("above", "above"), ("least", "at least"), ("most", "at most"))
        if name in declared
    ]
    return " ".join([declared.get("values") or _kind(hint), " and ".join(bounds)]).strip()


def _kind(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_kind(one) for one in inner if one is not NoneType)
    if origin is list:
        return f"list of {_kind(inner[0])}s".replace("of s", "of values").replace("texts", "text")
    if origin is dict:
        return "mapping"
    return _KINDS[hint]


def _default(one: Field[Any]) -> str:
    value = one.default
    if one.default_factory is not MISSING:
        value = one.default_factory()
    if value in (MISSING, NO_DEFAULT):
        return REQUIRED
    return _yaml(value)


def _yaml(value: Any) -> str:
    """A plain value as one line of YAML."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value)


def as_text(width: int = WIDTH) -> str:
    """The reference for a terminal.

    Args:
        width: Of its lines.
    """
    lines = []
    for section in reference():
        lines += ["", section.title, *_wrapped(section.about, width, "")]
        for one in section.settings:
            lines += [f"  {one.key}", *_wrapped(one.meaning, width, "      ")]
            lines += _wrapped(_facts(one).replace("`", ""), width, "      ")
    return "\n".join(lines[1:]) + "\n"


def _facts(one: Setting) -> str:
    unit = f" ({one.unit})" if one.unit else ""
    default = REQUIRED if one.default == REQUIRED else f"default: {one.default}"
    return "; ".join(part for part in (f"{one.values}{unit}".strip(), default) if part)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)


def as_markdown() -> str:
    """The reference as the page `docs/settings.md`."""
    parts = [
        "# Settings",
        "Every key of an experiment and of an ablation. This page is made by "
        "`matl config --reference --markdown`. `NAME` is a name of yours.",
    ]
    for section in reference():
        lines = ["| key | meaning | unit | values | default |", "|---|---|---|---|---|"]
        for one in section.settings:
            default = REQUIRED if one.default == REQUIRED else f"`{one.default}`"
            cells = (f"`{one.key}`", one.meaning, one.unit, one.values, default)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        parts += [f"## {section.title}", section.about, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"
