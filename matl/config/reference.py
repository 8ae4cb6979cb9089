"""Every setting with its meaning, unit, possible values and default, from the dataclasses.

A meaning is the setting's entry in the `Attributes:` of its class or of one that it inherits from;
unit, choices and range are declared in the field's metadata, see `matl.stages.settings`.
"""

import inspect
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from omegaconf import MISSING as NO_DEFAULT

from data_modules.config import DataConfig, ThinConfig
from matl.backbones.config import BackboneConfig
from matl.config.schema import Experiment, LoggerConfig, TrainerConfig
from matl.plugins import load_class
from matl.stages.recipes import RECIPE, RECIPES, describe_recipes
from matl.stages.registry import TASKS
from matl.stages.settings import StageConfig
from matl.stages.ssl.task import METHODS, LungSSL
from matl.stages.task import Task
from matl.view_settings import ViewConfig

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
        default: As YAML, or `REQUIRED`; empty where there is none.
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


EXTENDS = Setting(
    "extends", "A file beside this one whose settings hold where this one has none.", "", "text", ""
)


def experiment_sections() -> list[Section]:
    """Every setting of an experiment."""
    stage = "stages.NAME."
    return [
        make_section("Experiment", Experiment, more=(EXTENDS,)),
        make_section("Backbone", BackboneConfig, "backbone."),
        make_section("Stage", StageConfig, stage, more=(_recipe(stage),)),
        *(_own(f"Task {name}", load_class(name, TASKS, Task, "task"), stage) for name in TASKS),
        *(_own(f"Method {name}", one, stage) for name, one in _methods()),
        make_section("Data", DataConfig, f"{stage}data."),
        make_section("Thinning", ThinConfig, f"{stage}data.thin."),
        make_section("Views", ViewConfig, f"{stage}views."),
        make_section("Trainer", TrainerConfig, "trainer."),
        make_section("Logger", LoggerConfig, "logger."),
    ]


def _recipe(start: str) -> Setting:
    meaning = f"Other defaults, where the stage says nothing itself: {describe_recipes()}."
    values = ", ".join(f"`{name}`" for name in RECIPES)
    return Setting(start + RECIPE, meaning, "", values, "scratch")


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
    return make_section(title, task.settings, start, own)


def _fields(kind: type) -> list[tuple[str, Field[Any]]]:
    return [(one.name, one) for one in fields(kind)] if is_dataclass(kind) else []


def make_section(
    title: str,
    kind: type,
    start: str = "",
    only: Collection[str] | None = None,
    more: Sequence[Setting] = (),
) -> Section:
    """The settings of a dataclass; those that are sections themselves are left out.

    Args:
        title: What they are of.
        kind: The dataclass.
        start: The sections above its keys, as in "backbone.".
        only: The keys to take; None takes all.
        more: Settings that the dataclass does not hold.
    """
    hints, said = get_type_hints(kind), meanings(kind)
    settings = []
    for name, one in _fields(kind):
        if (only is None or name in only) and not is_dataclass(hints[name]):
            unit, values = one.metadata.get("unit", ""), _values(hints[name], one)
            settings.append(Setting(start + name, said.get(name, ""), unit, values, _default(one)))
    about = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    return Section(title, about, (*settings, *more))


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
    said: dict[str, str] = {}
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
