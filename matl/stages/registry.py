"""Finds a task by its name in an experiment."""

from collections.abc import Mapping
from typing import Any

from matl.errors import SettingError
from matl.plugins import describe, load_class
from matl.stages.check import check_class, faults_of
from matl.stages.settings import StageConfig
from matl.stages.task import Task

TASKS = {
    "source": "matl.stages.source.task:Source",
    "lung_ssl": "matl.stages.ssl.task:LungSSL",
    "diagnosis": "matl.stages.diagnosis.task:Diagnosis",
}


def find_task(settings: Mapping[str, Any]) -> type[Task]:
    """The task of a stage's settings, which need not be checked yet.

    Raises:
        SettingError: There is no such task, or what its settings choose does not exist or is not
            whole.
    """
    name = settings.get("task")
    if name is None:
        raise SettingError(["task"], f"is missing; choose from {', '.join(TASKS)}")
    task: type[Task] = load_class(str(name), TASKS, Task, "task")
    with faults_of(task, "chosen"):
        chosen = task.chosen(settings)
    check_class(chosen)
    return chosen


def task_of(config: StageConfig) -> type[Task]:
    """The task of a stage's checked settings."""
    return find_task(vars(config))


def list_tasks() -> dict[str, str]:
    """The built-in tasks: what each trains, by name."""
    return describe(TASKS)
