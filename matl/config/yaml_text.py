"""YAML as a person wrote it: within limits of size, and with the text of every plain value."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from omegaconf._utils import get_yaml_loader

from matl.errors import MatlError

MOST_BYTES = 1_000_000
MOST_VALUES = 20_000
MOST_DEPTH = 32
_KINDS = "tag:yaml.org,2002:"
_TEXT, _VALUE, _MERGE = (_KINDS + name for name in ("str", "value", "merge"))
_PLAIN = {"str": "text", "int": "whole number", "float": "number", "bool": "truth value"}
"""What a value may be called by a tag such as `!!int`, in words."""
_TAGS = frozenset(_KINDS + name for name in (*_PLAIN, "null", "map", "seq"))
_MOST_SHOWN = 40
_Loader = get_yaml_loader()


class Scalar(NamedTuple):
    """A plain value that YAML does not read as text.

    Attributes:
        keys: Where it stands: names of mappings and places in lists.
        text: What is written.
        value: What YAML reads.
        is_key: Whether it is the last of `keys` itself.
    """

    keys: tuple[Any, ...]
    text: str
    value: Any
    is_key: bool = False


class Yaml(NamedTuple):
    """What YAML says.

    Attributes:
        value: Mappings, lists and values.
        scalars: The plain values in it that are no text.
    """

    value: Any
    scalars: list[Scalar]


def read_yaml(text: str) -> Yaml:
    """Reads YAML.

    Raises:
        yaml.YAMLError: It is invalid, holds itself, or says more than an experiment does.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Yaml(None, [])
        _refuse_endless(node)
        _refuse_constructs(node, loader)
        value = loader.construct_document(node)
        return Yaml(value, list(_scalars(node, loader, ())))
    except RecursionError as error:
        raise yaml.YAMLError(f"is nested more than {MOST_DEPTH} deep") from error
    except ValueError as error:  # a number too long to read
        raise yaml.YAMLError(str(error)) from error
    finally:
        loader.dispose()


def read_yaml_file(path: Path) -> Yaml:
    """Reads a YAML file.

    Raises:
        OSError: There is none that can be read.
        UnicodeDecodeError: It is no text.
        yaml.YAMLError: As in `read_yaml`.
        MatlError: It is no regular file, or too large for a person to have written it.
    """
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(path)
    if not stat.S_ISREG(about.st_mode):
        raise MatlError(f"{path}: is no regular file; name an experiment's YAML file")
    if about.st_size > MOST_BYTES:
        raise MatlError(f"{path}: has {about.st_size:,} bytes; an experiment is a short YAML file")
    return read_yaml(path.read_text(encoding="utf-8"))


def _refuse_endless(root: yaml.Node) -> None:
    """Refuses what an alias repeats without end, or so often that no memory holds it."""
    known: dict[yaml.Node, tuple[int, int]] = {}

    def measure(node: yaml.Node, above: tuple[yaml.Node, ...]) -> tuple[int, int]:
        """How many values a node holds, and how deep they are nested."""
        if node in above:
            raise yaml.YAMLError("holds itself by an anchor; write the values out")
        if node not in known and len(above) <= MOST_DEPTH:
            inner = [measure(one, (*above, node)) for one in _children(node)]
            values = 1 + sum(size for size, _ in inner)
            known[node] = values, 1 + max((depth for _, depth in inner), default=0)
        values, depth = known.get(node, (0, 1))
        if len(above) + depth > MOST_DEPTH:
            raise yaml.YAMLError(f"is nested more than {MOST_DEPTH} deep")
        if values > MOST_VALUES:
            raise yaml.YAMLError(f"says more than {MOST_VALUES:,} values; repeat less by anchors")
        return values, depth

    measure(root, ())


def _refuse_constructs(root: yaml.Node, loader: Any) -> None:
    """Refuses what YAML knows and no experiment has: other tags, `=`, `<<` that joins nothing."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if problem := _construct(node, loader):
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if problem := _key_construct(key, value):
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                waiting += [value] if key.tag == _MERGE else [key, value]
        else:
            waiting += _children(node)


def _key_construct(key: yaml.Node, value: yaml.Node) -> str:
    """What is wrong with a key of a mapping; "" where nothing is."""
    if not isinstance(key, yaml.ScalarNode):
        return "a list or mapping is no key; write a text"
    joined = value.value if isinstance(value, yaml.SequenceNode) else [value]
    if key.tag == _MERGE and not all(isinstance(one, yaml.MappingNode) for one in joined):
        return "<< joins mappings alone, as in <<: *anchor; write a key of that name in quotes"
    return ""


def _construct(node: yaml.Node, loader: Any) -> str:
    """What is wrong with the tag of a node; "" where nothing is."""
    if node.tag in (_VALUE, _MERGE):
        return f"{node.value} alone is no text in YAML; write '{node.value}', in quotes"
    name = node.tag.removeprefix(_KINDS)
    if node.tag not in _TAGS:
        shown = f"!!{name}" if name != node.tag else name
        return (
            f"the tag {shown} is none of an experiment's; leave it out, or write it all in quotes"
        )
    if isinstance(node, yaml.ScalarNode):
        try:
            loader.construct_object(node)
        except (ValueError, KeyError):
            shown = node.value if len(node.value) <= _MOST_SHOWN else node.value[:_MOST_SHOWN] + "…"
            return f"{shown} is no {_PLAIN.get(name, name)}; a text is written in quotes"
    return ""


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _scalars(node: yaml.Node, loader: Any, keys: tuple[Any, ...]) -> Iterator[Scalar]:
    if isinstance(node, yaml.MappingNode):
        by_key = {loader.construct_object(key, deep=True): (key, one) for key, one in node.value}
        for name, (key, one) in by_key.items():
            if not isinstance(name, str):
                yield Scalar((*keys, name), str(key.value), name, is_key=True)
            yield from _scalars(one, loader, (*keys, name))
    elif isinstance(node, yaml.SequenceNode):
        for place, one in enumerate(node.value):
            yield from _scalars(one, loader, (*keys, place))
    elif node.tag != _TEXT:
        yield Scalar(keys, node.value, loader.construct_object(node))
