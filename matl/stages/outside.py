"""What is known of a task from outside matl: nobody tests its `VERSION`, but its files are read."""

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matl.errors import SettingError
from matl.files import file_digest

if TYPE_CHECKING:
    from matl.stages.task import Task

OURS = ("matl", "data_modules")
_INSTALLED = {"site-packages", "dist-packages"}


def is_outside(task: "type[Task]") -> bool:
    """Whether a task is defined outside matl."""
    return _root(task.__module__) not in OURS


def source_digests(task: "type[Task]", config: Any) -> dict[str, str]:
    """SHA-256 of each source file that defines a task, by its module.

    These are the files of the task, its settings, its LightningModule, the classes that they
    inherit from, and the functions that derive arrays, as far as they are of no library.

    Raises:
        SettingError: One is defined in no file.
    """
    kinds = {*task.__mro__, *task.settings.__mro__, *task.stage_class({}).__mro__}
    functions = {_defined(one.extract) for one in task.derived(config)}
    names = {kind.__module__ for kind in kinds} | functions
    files = {name: _file(name) for name in sorted(names) if _is_no_library(name)}
    own = _root(task.__module__)
    return {
        name: file_digest(file)
        for name, file in files.items()
        if _root(name) == own or _INSTALLED.isdisjoint(file.parts)
    }


def _root(module: str) -> str:
    return module.partition(".")[0]


def _is_no_library(module: str) -> bool:
    root = _root(module)
    return root == "__main__" or root not in (*OURS, *sys.stdlib_module_names)


def _file(module: str) -> Path:
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        raise SettingError([], f"{module} is no file; write the task in a module, as mypkg/mod.py")
    return Path(file)


def _defined(function: Any) -> str:
    """The module of a function, of one with some arguments given, or of an object's class."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__module__", None) or type(function).__module__
