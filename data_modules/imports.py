"""Objects found by import path: `package.module:name`."""

import importlib
import os
import sys
from typing import Any

from data_modules.errors import DataError, did_you_mean, first_line


def load_object(place: str) -> Any:
    """Import what a text such as `mypkg.scans:index` names.

    The working directory can be imported from, as under `python -m`.

    Args:
        place: Module and name, joined by a colon.

    Raises:
        DataError: Where there is no such module, it cannot be imported, or it lacks the name.
    """
    module_name, _, name = place.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), name]):
        raise DataError(f"'{place}' is no import path; write it as package.module:name")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)  # behind all others: a user's csv.py hides no module
        importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module may fail in any way while it is imported
        if isinstance(error, SystemExit) and type(error) is not SystemExit:
            raise  # a signal ends the command
        raise DataError(_reason(module_name, error)) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        known = [word for word in vars(module) if not word.startswith("_")]
        raise DataError(
            f"'{place}': the module {module_name} has no '{name}'; {did_you_mean(name, known)}"
        ) from error


def _reason(module: str, error: BaseException) -> str:
    absent = error.name if isinstance(error, ModuleNotFoundError) else None
    if absent is not None and f"{module}.".startswith(f"{absent}."):
        return (
            f"there is no module '{absent}' for '{module}'; start in the folder that holds it, "
            "or install it"
        )
    return f"importing '{module}' fails ({type(error).__name__}: {first_line(error)}); fix it there"
