"""Whether a task from outside answers what matl asks of it, found before anything trains.

What is wrong is a `SettingError` without keys, as the caller knows the stage.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, get_type_hints

from data_modules.errors import DataError, fault
from data_modules.ragged import Ragged
from data_modules.samples import SPLITS, Samples
from matl.errors import MatlError, SettingError
from matl.stages.outside import is_outside
from matl.stages.scorer import Scorer
from matl.stages.settings import StageConfig
from matl.stages.task import Derived, Task

_OURS = Path(__file__).parents[1]


@contextmanager
def faults_of(task: type[Task], answer: str, remedy: str = "fix it there") -> Iterator[None]:
    """Says in one line that an answer of a task from outside fails.

    Args:
        task: The task; an error of a built-in one is left as it is.
        answer: What is asked of it.
        remedy: What to do about it.

    Raises:
        SettingError: It fails by no mistake in data or settings that it names itself.
    """
    try:
        yield
    except (MatlError, DataError):
        raise
    except (Exception, SystemExit) as error:
        signalled = isinstance(error, SystemExit) and type(error) is not SystemExit
        if signalled or not is_outside(task):
            raise
        failure = f"{_name(task)}: {answer} fails ({fault(error, _OURS)})"
        raise SettingError([], f"{failure}; {remedy}") from error


def check_images(task: type[Task], samples: Samples, config: StageConfig) -> None:
    """Checks that a task has enough images to train on.

    Raises:
        SettingError: They are too few; it also says what of the data set is passed over.
    """
    try:
        with faults_of(task, "check_images"):
            task.check_images(samples, config)
    except SettingError as error:
        if error.keys[:1] != ["data"]:
            raise
        raise type(error)(error.keys, error.reason + samples.left_out()) from error


def check_class(task: type[Task]) -> None:
    """Checks what a task from outside says of its settings and version; needs no torch.

    Raises:
        SettingError: It has no version, or its settings are no dataclass of the right kind.
    """
    if not is_outside(task):
        return
    if type(getattr(task, "VERSION", None)) is not int:
        _refuse(task, "has no VERSION that is a whole number; write VERSION = 1 in the class")
    for base in task.__mro__:
        if issubclass(base, Task) and not _is_below(task.settings, base.settings):
            wanted = f"{base.settings.__name__}, the settings of {base.__name__}"
            _refuse(task, f"has settings that are no subclass of {wanted}")
    for kind in task.settings.__mro__:
        if issubclass(kind, StageConfig) and "__dataclass_params__" not in vars(kind):
            _refuse(task, f"has settings {kind.__name__}, no dataclass; put @dataclass above it")
    with faults_of(task, "resolving the annotations of its settings"):
        get_type_hints(task.settings)


def check_task(task: type[Task], config: StageConfig) -> None:
    """Checks a task from outside with its LightningModule, which is imported; others pass.

    Raises:
        SettingError: A part is missing, or an answer is of a wrong kind.
    """
    if not is_outside(task):
        return
    _check_module(task)
    with faults_of(task, "training_splits"):
        splits: Any = task.training_splits(config)
    listed = isinstance(splits, tuple | list) and len(splits) > 0
    if not (listed and all(one in SPLITS for one in splits)):
        known = ", ".join(SPLITS)
        _refuse(task, f"has training_splits {splits!r}; return a tuple of some of {known}")
    with faults_of(task, "derived"):
        arrays = [one for one in task.derived(config) if not isinstance(one, Derived)]
    if arrays:
        _refuse(task, f"derives {arrays[0]!r}; return a tuple of matl.stages.task.Derived")


def notes_of(task: type[Task], derived: Mapping[str, Ragged], config: StageConfig) -> Sequence[str]:
    """What a task says of the arrays that it derived.

    Raises:
        SettingError: It fails, or says something else than texts.
    """
    with faults_of(task, "notes"):
        notes: Any = task.notes(derived, config)
    if not isinstance(notes, tuple | list) or not all(isinstance(one, str) for one in notes):
        _refuse(task, f"has the notes {notes!r}; return a tuple of texts")
    return notes


def _check_module(task: type[Task]) -> None:
    from matl.stages.base import Stage

    try:
        with faults_of(task, "stage_class"):
            found: Any = task.stage_class({})
    except DataError as error:
        _refuse(task, f"has a module that cannot be loaded: {error}")
    if not _is_below(found, Stage):
        if found is task:
            either = f"class {task.__name__}({task.__mro__[1].__name__}, Stage)"
            _refuse(task, f"is no matl.Stage; write {either}, or name one by module")
        _refuse(task, f"has the module {task.module or found!r}, no subclass of matl.Stage")
    if found.loss is Stage.loss:
        _refuse(task, f"has no loss; write loss(self, batch) in {found.__name__}")
    if task.diagnoses and not issubclass(found, Scorer):
        _refuse(task, f"diagnoses without scores; write scores(self, batch) in {found.__name__}")


def _is_below(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _name(task: type[Task]) -> str:
    return f"{task.__module__}:{task.__name__}"


def _refuse(task: type[Task], reason: str) -> NoReturn:
    raise SettingError([], f"{_name(task)} {reason}")
