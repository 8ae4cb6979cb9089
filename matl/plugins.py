"""Classes by name: built-in ones, and those of the user's own modules."""

import importlib
import os
import sys
from collections.abc import Mapping

from data_modules.errors import did_you_mean
from matl.errors import SettingError


def load_class(name: str, known: Mapping[str, str], base: type, kind: str) -> type:
    """The class of a name, or of a path such as `mypkg.tasks:MyTask`.

    The working directory can be imported from, as under `python -m`.

    Args:
        name: What the user wrote.
        known: Paths of the built-in classes by name.
        base: What the class must be a subclass of.
        kind: What it is, and its key in the settings: "task" or "method".

    Raises:
        SettingError: There is no such class, or it is none of `base`.
    """
    path = known.get(name, name)
    module, colon, attribute = path.partition(":")
    if not colon:
        hint = f"{did_you_mean(name, known)} Your own is written as package.module:Class"
        raise SettingError([kind], f"{name!r} is no {kind}; {hint}")
    if path == name and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise SettingError(
            [kind], f"{path}: there is no module {module} here or on PYTHONPATH"
        ) from error
    except AttributeError as error:
        raise SettingError([kind], f"{path}: {module} has no {attribute}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise SettingError([kind], f"{path}: is no subclass of {base.__module__}.{base.__name__}")
    return found


def describe(known: Mapping[str, str]) -> dict[str, str]:
    """The first line of each class's docstring, by name."""
    described = {}
    for name, path in known.items():
        module, _, attribute = path.partition(":")
        text = getattr(importlib.import_module(module), attribute).__doc__ or ""
        described[name] = text.strip().partition("\n")[0]
    return described
