"""A task from outside is known by the files that define it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from matl.stages.registry import task_of
from matl.stages.settings import StageConfig

FILES = {
    "pair_task": """
from functools import partial
from matl import Task
from matl.stages.task import Derived
from pair_arrays import halved
from pair_settings import PairConfig

class Pair(Task):
    VERSION = 1
    settings = PairConfig
    module = "pair_stage:PairStage"

    @classmethod
    def derived(cls, config):
        return (Derived("half", "half", 1, partial(halved, by=2)),)
""",
    "pair_settings": """
from dataclasses import dataclass
from matl import StageConfig

@dataclass
class PairConfig(StageConfig):
    share: float = 0.5
""",
    "pair_arrays": "def halved(image, by):\n    return image[:, ::by]\n",
    "pair_stage": "from pair_base import Base\n\nclass PairStage(Base):\n    pass\n",
    "pair_base": """
from matl import Stage

class Base(Stage):
    def loss(self, batch):
        return batch["image"].float().mean()
""",
}
CONFIG = StageConfig(part=1, task="pair_task:Pair", epochs=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a user's, with a task in several files."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in FILES:
        sys.modules.pop(name, None)


def test_every_file_that_defines_it_is_part_of_its_versions(folder: Path) -> None:
    task = task_of(CONFIG)
    before = task.versions(CONFIG)
    assert sorted(before["source"]) == sorted(FILES)
    for name in FILES:
        file = folder / f"{name}.py"
        file.write_text(file.read_text() + "# edited\n")
        after = task.versions(CONFIG)
        changed = [one for one in FILES if before["source"][one] != after["source"][one]]
        assert changed == [name]
        before = after
