"""JSON as typed records: dataclasses whose every value has the declared type."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
_LARGEST = 1e300


def typed(kind: type[Record], value: Any, at: str = "") -> Record:
    """A value that JSON held, as the type that was declared.

    Args:
        kind: A dataclass of these types, or one of them: `None`, `bool`, `int`, `float` (an int is
            one too), `str`, `Any`, `list[...]`, `tuple`, `dict[str, ...]`, unions.
        value: What was read.
        at: Where it stands, for the error.

    Raises:
        ValueError: A value is missing, unknown, of another type or not finite; names where it
            stands.
    """
    return _typed(kind, value, at)


def _typed(kind: Any, value: Any, at: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _any_of(inner, value, at)
    if is_dataclass(kind):
        return _record(kind, value, at)
    if origin in (list, tuple) and isinstance(value, list):
        fixed = origin is tuple and inner[-1] is not Ellipsis
        kinds = inner if fixed else inner[:1] * len(value)
        if len(kinds) != len(value):
            raise ValueError(f"{at or 'it'} has {len(value)} values, not {len(kinds)}")
        parts = zip(kinds, value, strict=True)
        return origin(_typed(one, part, f"{at}[{n}]") for n, (one, part) in enumerate(parts))
    if origin is dict and isinstance(value, dict):
        return {name: _typed(inner[1], one, f"{at}.{name}") for name, one in value.items()}
    if type(value) in (int, float) and not abs(value) < _LARGEST:
        raise ValueError(f"{at or 'it'} is no finite number")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is (NoneType if kind is None else kind):
        return value
    raise ValueError(f"{at or 'it'} is of another type than {getattr(kind, '__name__', kind)}")


def _any_of(kinds: tuple[Any, ...], value: Any, at: str) -> Any:
    for kind in kinds:
        try:
            return _typed(kind, value, at)
        except ValueError:
            continue
    raise ValueError(f"{at or 'it'} is of none of the types that it may have")


def _record(kind: Any, value: Any, at: str) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"{at or 'it'} is no mapping")
    kinds = get_type_hints(kind)
    known = {one.name: one for one in fields(kind)}
    if unknown := [name for name in value if name not in known]:
        raise ValueError(f"{at}.{unknown[0]} is unknown".lstrip("."))
    values = {}
    for name, field in known.items():
        if name in value:
            values[name] = _typed(kinds[name], value[name], f"{at}.{name}".lstrip("."))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{at}.{name} is missing".lstrip("."))
    return kind(**values)
