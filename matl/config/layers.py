"""The layers that an experiment is merged from: files along `extends`, then overrides."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from data_modules.errors import first_line
from matl.errors import MatlError

EXTENDS = "extends"


@dataclass(frozen=True)
class Layer:
    """Settings with the place that a user wrote them in."""

    origin: str
    content: DictConfig
    is_file: bool


def read_layers(path: Path, overrides: Sequence[str]) -> list[Layer]:
    """Reads a file, the files that it extends, and overrides, from the weakest to the strongest.

    Raises:
        MatlError: A file is missing, unreadable, empty, no mapping or extends itself, or an
            override is no `key=value`.
    """
    layers = [Layer(item, _read_override(item), is_file=False) for item in overrides]
    seen: list[Path] = []
    current: Path | None = path
    while current is not None:
        if current.resolve() in seen:
            raise MatlError(f"{path}: `extends` leads back to {current}; remove one of the links")
        seen.append(current.resolve())
        content = _read_file(current)
        parent = content.pop(EXTENDS, None)
        layers.insert(0, Layer(str(current), content, is_file=True))
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


def origin(layers: Sequence[Layer], keys: Sequence[str]) -> str:
    """Where the deepest part of a key was written last, for error messages."""
    for depth in range(len(keys), 0, -1):
        for layer in reversed(layers):
            if _holds(layer.content, keys[:depth]):
                return layer.origin
    return next(layer.origin for layer in reversed(layers) if layer.is_file)


def _read_file(path: Path) -> DictConfig:
    try:
        content = OmegaConf.load(path)
    except FileNotFoundError as error:
        raise MatlError(f"{path}: no such file; name an experiment's YAML file") from error
    except IsADirectoryError as error:
        raise MatlError(f"{path}: is a folder; name an experiment's YAML file") from error
    except UnicodeDecodeError as error:
        raise MatlError(f"{path}: is not a text file; an experiment is a YAML file") from error
    except RecursionError as error:
        raise MatlError(f"{path}: holds itself by an anchor; write the values out") from error
    except (OSError, yaml.YAMLError, OmegaConfBaseException) as error:
        raise MatlError(f"{path}: is not valid YAML: {_yaml_problem(error)}") from error
    if not isinstance(content, DictConfig):
        raise MatlError(f"{path}: holds no mapping of keys to values; see experiments/demo.yaml")
    if not content:
        raise MatlError(f"{path}: is empty; see experiments/demo.yaml for an experiment")
    return content


def _yaml_problem(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} (line {error.problem_mark.line + 1})"
    return first_line(error)


def _read_override(item: str) -> DictConfig:
    key, equals, _ = item.partition("=")
    if not equals or not key.strip():
        raise MatlError(f"{item}: is no override; write key=value, such as seed=1")
    try:
        return OmegaConf.from_dotlist([item])
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        raise MatlError(f"{item}: is no valid override: {_yaml_problem(error)}") from error


def _holds(content: Any, keys: Sequence[str]) -> bool:
    node = OmegaConf.to_container(content, resolve=False)
    for key in keys:
        if not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return True
