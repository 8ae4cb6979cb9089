"""Classes by name: built-in ones, and those of the user's own modules."""

import inspect
from collections.abc import Mapping
from typing import Any

from data_modules.errors import DataError, did_you_mean
from data_modules.imports import load_object
from matl.errors import SettingError


def load_class(name: Any, known: Mapping[str, str], base: type, kind: str) -> type:
    """The class of a name, or of a path such as `mypkg.tasks:MyTask`.

    The working directory can be imported from, as under `python -m`.

    Args:
        name: What the user wrote, which need not be text.
        known: Paths of the built-in classes by name.
        base: What the class must be a subclass of.
        kind: What it is, and its key in the settings: "task" or "method".

    Raises:
        SettingError: There is no such class, or it is none of `base`.
    """
    word = "null" if name is None else str(name)
    path = known.get(word, word)
    if ":" not in path:
        hint = f"{did_you_mean(word, known)} (or write your own as package.module:Class)"
        raise SettingError([kind], f"{word!r} is no {kind}; {hint}")
    try:
        found = load_object(path)
    except DataError as error:
        raise SettingError([kind], str(error)) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise SettingError([kind], f"{path}: is no subclass of {base.__module__}.{base.__name__}")
    return found


def describe(known: Mapping[str, str]) -> dict[str, str]:
    """The first line of each class's docstring, by name."""
    return {
        name: (inspect.getdoc(load_object(path)) or "").split("\n")[0]
        for name, path in known.items()
    }
