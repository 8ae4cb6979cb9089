"""The layers that an experiment is merged from: files along `extends`, then overrides."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import split_key
from omegaconf.errors import OmegaConfBaseException

from data_modules.errors import first_line
from matl.config.declared import (
    KindAt,
    is_declared_mapping,
    is_text,
    kind_at,
    refuse_key,
    refuse_other_readings,
    refuse_other_shape,
    refuse_resolvers,
    takes_nothing,
)
from matl.config.yaml_text import Scalar, read_yaml, read_yaml_file
from matl.errors import MatlError, SettingError

EXTENDS = "extends"


@dataclass(frozen=True)
class Layer:
    """Settings with the place that a user wrote them in.

    Attributes:
        origin: The file, or the override as it was typed.
        content: The settings.
        is_file: Whether they are a file's.
        scalars: The plain values of a file, or within an override's list or mapping, that YAML
            reads as something else than text.
        keys: Those of an override.
        text: What stands after an override's equals sign.
        problem: Why that is no YAML; nothing is wrong where it is a text.
    """

    origin: str
    content: DictConfig
    is_file: bool
    scalars: Sequence[Scalar] = ()
    keys: Sequence[str] = ()
    text: str = ""
    problem: str = ""

    def holds(self, keys: Sequence[str]) -> bool:
        """Whether it says something at some keys, in whatever form it is written."""
        node = OmegaConf.to_container(self.content, resolve=False)
        for key in keys:
            if not isinstance(node, dict) or key not in node:
                return False
            node = node[key]
        return True


def read_layers(path: Path, overrides: Sequence[str]) -> list[Layer]:
    """Reads a file, the files that it extends, and overrides, from the weakest to the strongest.

    Raises:
        MatlError: A file is missing, unreadable, empty, no mapping or extends itself, or an
            override is no `key=value`.
    """
    layers = [_read_override(item) for item in overrides]
    seen: list[str] = []
    current: Path | None = path
    while current is not None:
        whole = os.path.realpath(current)
        if whole in seen:
            raise MatlError(f"{path}: `extends` leads back to {current}; remove one of the links")
        seen.append(whole)
        layer = _read_file(current)
        parent = layer.content.pop(EXTENDS, None)
        layers.insert(0, layer)
        if not isinstance(parent, str | None):
            raise MatlError(f"{current}: extends: {parent} is not the name of one file")
        current = None if parent is None else current.parent / parent
    return layers


def merge(layers: Sequence[Layer]) -> DictConfig:
    """Merges the layers; mappings are joined, everything else is replaced."""
    merged = OmegaConf.create({})
    for layer in layers:
        try:
            merged.merge_with(layer.content)
        except OmegaConfBaseException as error:
            raise MatlError(f"{layer.origin}: {first_line(error)}") from error
    return merged


def declared(layers: Sequence[Layer], schema: type, open_kinds: KindAt) -> list[Layer]:
    """The layers with values as the fields of a schema declare them.

    Args:
        layers: As they were read.
        schema: The dataclass that they fill.
        open_kinds: Says what stands where the schema has `Any`.

    Raises:
        MatlError: A value means something else to YAML than to its reader, or is none.
    """
    try:
        return [_declared(layer, schema, open_kinds) for layer in layers]
    except SettingError as error:
        raise MatlError(f"{origin(layers, error.keys)}: {error}") from error


def refuse_other_shapes(layers: Sequence[Layer], schema: type, open_kinds: KindAt) -> None:
    """Refuses lists where mappings are declared, and so on, which could not be merged.

    Raises:
        MatlError: The first one.
    """
    for layer in layers:
        node = OmegaConf.to_container(layer.content, resolve=False)
        try:
            refuse_other_shape(node, [], schema, open_kinds)
        except SettingError as error:
            raise MatlError(f"{layer.origin}: {error}") from error


def _declared(layer: Layer, schema: type, open_kinds: KindAt) -> Layer:
    whole = kind_at(schema, layer.keys, open_kinds)
    if layer.keys and is_text(whole):
        return replace(layer, content=_nested(layer.keys, _text_of(layer, takes_nothing(whole))))
    if layer.problem:
        raise MatlError(layer.problem)
    content: Any = OmegaConf.to_container(layer.content, resolve=False)
    for one in layer.scalars:
        if one.is_key:
            if is_declared_mapping(kind_at(schema, one.keys[:-1], open_kinds)):
                refuse_key(one.keys, one.text, one.value)
            continue
        kind = kind_at(schema, one.keys, open_kinds)
        if is_text(kind) and not layer.is_file and one.value is not None:
            _put(content, one.keys, one.text)
        else:
            refuse_other_readings(one.keys, one.text, one.value, kind)
    refuse_resolvers(_texts(content, ()))
    return replace(layer, content=OmegaConf.create(content))


def _text_of(layer: Layer, optional: bool) -> str | None:
    """An override of a text field: what is written, without quotes that are around all of it."""
    refuse_resolvers([(layer.keys, layer.text)])
    if not layer.text.strip() or (optional and layer.text.strip() == "null"):
        return None
    quoted = layer.text.strip()[0] in "'\"" and not layer.problem
    value = OmegaConf.select(layer.content, _dotted(layer.keys)) if quoted else None
    return value if isinstance(value, str) else layer.text


def _texts(node: Any, keys: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(node, dict):
        for key, one in node.items():
            yield from _texts(one, (*keys, key))
    elif isinstance(node, list):
        for place, one in enumerate(node):
            yield from _texts(one, (*keys, place))
    elif isinstance(node, str):
        yield keys, node


def _put(content: Any, keys: Sequence[Any], value: str) -> None:
    *above, last = keys
    for key in above:
        content = content[key]
    content[last] = value


def origin(layers: Sequence[Layer], keys: Sequence[str]) -> str:
    """Where the deepest part of a key was written last, for error messages."""
    for depth in range(len(keys), 0, -1):
        for layer in reversed(layers):
            if layer.holds(keys[:depth]):
                return layer.origin
    return next(layer.origin for layer in reversed(layers) if layer.is_file)


def _read_file(path: Path) -> Layer:
    try:
        read = read_yaml_file(path)
        content = OmegaConf.create(read.value if isinstance(read.value, dict) else {})
    except FileNotFoundError as error:
        raise MatlError(f"{path}: no such file; name an experiment's YAML file") from error
    except IsADirectoryError as error:
        raise MatlError(f"{path}: is a folder; name an experiment's YAML file") from error
    except UnicodeDecodeError as error:
        raise MatlError(f"{path}: is not a text file; an experiment is a YAML file") from error
    except OSError as error:
        raise MatlError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, OmegaConfBaseException, RecursionError) as error:
        raise MatlError(f"{path}: is not valid YAML: {_yaml_problem(error)}") from error
    if read.value is None or read.value == {}:
        raise MatlError(f"{path}: is empty; see experiments/demo.yaml for an experiment")
    if not isinstance(read.value, dict):
        raise MatlError(f"{path}: holds no mapping of keys to values; see experiments/demo.yaml")
    return Layer(str(path), content, True, [one for one in read.scalars if one.keys[0] != EXTENDS])


def _yaml_problem(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        problem = str(error.problem)
        remedy = ""
        if "cannot start any token" in problem:
            tab = "; indent by spaces, not by tabs"
            remedy = tab if r"'\t'" in problem else "; write a text that begins with it in quotes"
        return f"{problem}{remedy} (line {error.problem_mark.line + 1})"
    return first_line(error)


def _read_override(item: str) -> Layer:
    key, equals, text = item.partition("=")
    if not equals or not key.strip():
        raise MatlError(f"{item}: is no override; write key=value, such as seed=1")
    keys: list[str] = []
    try:
        keys = split_key(key.strip())
        if "" in keys:
            raise ValueError("a part of its key is empty")
        read = read_yaml(text)
        content = _nested(keys, read.value)
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        problem = f"{item}: is no valid override: {_yaml_problem(error)}"
        if not keys or "" in keys:
            raise MatlError(problem) from error
        return Layer(item, OmegaConf.create({}), False, (), keys, text, problem)
    scalars = [one._replace(keys=(*keys, *one.keys)) for one in read.scalars]
    return Layer(item, content, False, scalars, keys, text)


def _nested(keys: Sequence[str], value: Any) -> DictConfig:
    for key in reversed(keys):
        value = {key: value}
    return OmegaConf.create(value)


def _dotted(keys: Sequence[str]) -> str:
    return "".join(f"[{key}]" for key in keys)
