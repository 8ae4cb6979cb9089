"""Values as the fields that they are of declare them, not as YAML 1.1 would have them.

YAML reads `yes` as true, `012` as ten and `1:30` as ninety. A text field takes what an override
says as it is written; in a file it must be a text. References go to other settings alone.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from omegaconf.grammar_parser import parse

from matl.errors import SettingError

Keys = Sequence[Any]
KindAt = Callable[[Keys], Any]
"""The type that a schema leaves open at some keys; None where it says nothing either."""
_OCTAL_OR_SIXTIETHS = re.compile(r"[-+]?(0[0-7_]+|\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?)")
_NULL = ("null", "Null", "NULL", "")


def kind_at(schema: Any, keys: Keys, open_kinds: KindAt) -> Any:
    """The type that is declared at some keys; None where nothing is declared.

    Args:
        schema: A dataclass.
        keys: Names of fields and keys of mappings, and places in lists.
        open_kinds: Says what stands where the schema has `Any`.
    """
    kind = schema
    for place, key in enumerate(keys):
        kind = open_kinds(keys[:place]) or _without_none(kind)
        if is_dataclass(kind):
            kind = get_type_hints(kind).get(key)
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        else:
            return None
    return open_kinds(keys) or kind


def is_text(kind: Any) -> bool:
    """Whether a field holds text, or text or nothing."""
    return _without_none(kind) is str


def is_declared_mapping(kind: Any) -> bool:
    """Whether the keys there are names of ours."""
    return is_dataclass(_without_none(kind)) or get_origin(kind) is dict


def takes_nothing(kind: Any) -> bool:
    """Whether a field may be null."""
    return NoneType in get_args(kind)


def refuse_other_readings(keys: Keys, text: str, value: Any, kind: Any) -> None:
    """Refuses a plain value of a file that means something else to YAML than to its reader.

    Args:
        keys: Where it stands.
        text: What is written.
        value: What YAML reads.
        kind: The declared type; None where nothing is declared.

    Raises:
        SettingError: It is no text where text is declared, or a number that no reader would see.
    """
    at = [str(key) for key in keys]
    if is_text(kind):
        if value is None and text in _NULL:
            return
        raise SettingError(at, f"{text} is read as {_in_words(value)}; write '{text}', in quotes")
    if isinstance(value, int | float) and (found := _OCTAL_OR_SIXTIETHS.fullmatch(text)):
        decimal = text.lstrip("+-0")
        meant = f"{value}, or '{text}' in quotes" if found[2] else f"{decimal} or {value}"
        raise SettingError(at, f"{text} is read as {value}; write {meant}")


def refuse_other_shape(node: Any, keys: Keys, schema: Any, open_kinds: KindAt) -> None:
    """Refuses a list, a mapping or a value where another of the three is declared.

    Args:
        node: What stands at the keys.
        keys: Where it stands.
        schema: Of the whole.
        open_kinds: As in `kind_at`.

    Raises:
        SettingError: The first one.
    """
    kind = _without_none(kind_at(schema, keys, open_kinds)) if keys else schema
    at = [str(key) for key in keys]
    if node is None or kind in (None, Any) or (isinstance(node, str) and node.startswith("${")):
        return
    if is_declared_mapping(kind):
        if isinstance(node, str) and open_kinds(keys) is not None:
            return  # the member of a union by its name
        if not isinstance(node, dict):
            raise SettingError(at, "must be a mapping of keys to values, as in {a: 1}")
        for key, one in node.items():
            refuse_other_shape(one, [*keys, key], schema, open_kinds)
    elif get_origin(kind) is list:
        if not isinstance(node, list):
            raise SettingError(at, "must be a list, as in [a, b]")
        for place, one in enumerate(node):
            refuse_other_shape(one, [*keys, place], schema, open_kinds)
    elif isinstance(node, dict | list):
        raise SettingError(at, f"must be one value, not a {type(node).__name__}")


def refuse_key(keys: Keys, text: str, value: Any) -> None:
    """Refuses a key that is no text.

    Raises:
        SettingError: Always.
    """
    at = [str(key) for key in keys[:-1]]
    message = f"the key {text} is read as {_in_words(value)}; write '{text}', in quotes"
    raise SettingError(at or [text], message)


def refuse_resolvers(texts: Iterable[tuple[Keys, str]]) -> None:
    """Refuses references to anything but other settings, as in `${oc.env:HOME}`.

    Args:
        texts: With the keys where they stand.

    Raises:
        SettingError: The first one.
    """
    for keys, text in texts:
        if "${" in text and _calls_resolver(text):
            message = (
                f"{text}: the values of an experiment stand in it, not in the environment or in "
                "functions; only other settings can be referred to, as in ${seed}"
            )
            raise SettingError([str(key) for key in keys], message)


def _calls_resolver(text: str) -> bool:
    try:
        open_nodes: list[Any] = [parse(text)]
    except Exception:  # OmegaConf puts it into words where the setting is read
        return False
    while open_nodes:
        node = open_nodes.pop()
        if type(node).__name__ == "InterpolationResolverContext":
            return True
        open_nodes += getattr(node, "children", None) or []
    return False


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        others = [one for one in get_args(kind) if one is not NoneType]
        return others[0] if len(others) == 1 else kind
    return kind


def _in_words(value: Any) -> str:
    return "no value" if value is None else f"the {type(value).__name__} {value}"
