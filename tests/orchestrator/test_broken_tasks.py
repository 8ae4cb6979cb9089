"""A task from outside that is not whole is one line before anything trains."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import Load, console_of

from matl.errors import MatlError
from matl.orchestrator.plan import make_plan
from matl.orchestrator.run import run

WHOLE = """
from dataclasses import dataclass
from torch import nn
from matl import Stage, StageConfig, Task


@dataclass
class Settings(StageConfig):
    scale: float = 1.0


class Mine(Task, Stage):
    VERSION = 1
    settings = Settings
    metric_names = ("loss",)

    def __init__(self, backbone, config, seed):
        super().__init__(backbone, config, seed)
        self.heads = nn.ModuleDict()

    @classmethod
    def select(cls, samples, config):
        return samples.subset(samples.table['split'] == 'train')

    def loss(self, batch):
        return self.features(batch["image"].float()).mean()
"""


def answering(method: str, value: str) -> tuple[str, str]:
    """What of the task is replaced so that it also answers a question."""
    body = f"    @classmethod\n    def {method}:\n        return {value}\n\n"
    return "    def loss(", body + "    def loss("


def saying(line: str) -> tuple[str, str]:
    """What of the task is replaced so that its class has another line."""
    return "    VERSION = 1\n", f"    VERSION = 1\n    {line}\n"


PLANNED = {
    "no Stage": ("(Task, Stage)", "(Task)", r"no matl.Stage; write class Mine\(Task, Stage\), or"),
    "no such module": (*saying("module = 'nowhere:It'"), "there is no module 'nowhere'"),
    "other module": (*saying("module = 'json:loads'"), "no subclass of matl.Stage"),
    "no loss": ("def loss(", "def lost(", r"has no loss; write loss\(self, batch\) in Mine"),
    "splits": (
        *answering("training_splits(cls, config)", "['training']"),
        r"has training_splits \['training'\]; return a tuple of some of train, val, test",
    ),
    "no scores": (*saying("diagnoses = True"), "diagnoses without scores; write scores"),
    "no version": ("VERSION = 1", "", "has no VERSION that is a whole number"),
    "selects None": ("return samples.subset", "samples.subset", "it returns NoneType, not Samples"),
    "select raises": ("'split'", "'x'", r"select fails \(KeyError: 'x', broken_task.py line \d+\)"),
    "annotation": ("scale: float", "scale: 'Absent'", "annotations of its settings fails .*Absent"),
    "no dataclass": ("@dataclass", "", "has settings Settings, no dataclass; put @dataclass above"),
    "exits": ("from torch import nn", "raise SystemExit(3)", "importing 'broken_task' fails"),
    "not derived": (
        *answering("derived(cls, config)", "[('half', 1)]"),
        r"derives \('half', 1\); return a tuple of matl.stages.task.Derived",
    ),
}
BUILT = {
    "constructor": (
        "config, seed):",
        "config):",
        r"__init__ fails \(TypeError: .* it is called wi",
    ),
    "no heads": ("self.heads = nn.ModuleDict()", "pass", "has no heads; set self.heads = "),
    "unexpected fact": (
        *answering("facts(cls, samples, config)", "{'more': 1}"),
        r"__init__ fails \(TypeError: .*'more'",
    ),
    "notes of numbers": (
        *answering("notes(cls, derived, config)", "(1, 2)"),
        r"has the notes \(1, 2\); return a tuple of texts",
    ),
    "facts without JSON": (
        *answering("facts(cls, samples, config)", "{'x': {1}}"),
        r"facts fails \(TypeError: Object of type set",
    ),
}
TASK = "stages.lung={task: 'broken_task:Mine', scale: 2.0}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which a user works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("broken_task", None)


def write(folder: Path, old: str, new: str) -> None:
    assert old in WHOLE
    (folder / "broken_task.py").write_text(WHOLE.replace(old, new))


@pytest.mark.parametrize(("old", "new", "message"), PLANNED.values(), ids=PLANNED)
def test_a_plan_tells(folder: Path, load_tiny: Load, old: str, new: str, message: str) -> None:
    write(folder, old, new)
    with pytest.raises(MatlError, match=rf"stages\.lung\b.*broken_task.*{message}") as error:
        make_plan(load_tiny(TASK))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("old", "new", "message"), BUILT.values(), ids=BUILT)
def test_a_run_tells_before_its_first_stage(
    folder: Path, load_tiny: Load, old: str, new: str, message: str
) -> None:
    write(folder, old, new)
    console, shown = console_of()
    with pytest.raises(MatlError, match=rf"^stages\.lung: broken_task:Mine.*{message}") as error:
        run(load_tiny(TASK), command="matl run", console=console)
    assert len(str(error.value).splitlines()) == 1
    assert "training" not in shown.getvalue()
