"""A task, a method and a data set of one's own train a chain: the README's example does."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from readme import README
from tiny import Load, run_quietly

from matl import load_experiment
from matl.errors import MatlError
from matl.orchestrator.plan import make_plan

EXAMPLE = next(code for code in re.findall(r"```python\n(.+?)```", README, re.S) if "Task" in code)
ROTATION = '''
import torch

from matl import LungSSL, LungSSLConfig


@dataclass
class RotationConfig(LungSSLConfig):
    turns: int = 4


class Rotation(LungSSL, Stage):
    """Tells by how many quarters an image was turned."""

    settings = RotationConfig
    VERSION = 1
    metric_names = ("accuracy",)

    def __init__(self, backbone, config, seed):
        super().__init__(backbone, config, seed)
        self.heads = nn.ModuleDict({"turns": nn.Linear(backbone.num_features, config.turns)})

    def loss(self, batch):
        turns = torch.arange(len(batch["image"])) % self.config.turns
        images = self.plain_view(batch)
        turned = [one.rot90(int(turn), (1, 2)) for one, turn in zip(images, turns, strict=True)]
        return F.cross_entropy(self.heads["turns"](self.features(torch.stack(turned))), turns)
'''


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which a user works, with a package of his own."""
    package = tmp_path / "mypkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mod.py").write_text(EXAMPLE + ROTATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(tmp_path)])
    yield tmp_path
    for name in [one for one in sys.modules if one.partition(".")[0] == "mypkg"]:
        del sys.modules[name]


def test_a_task_a_method_and_a_data_set_from_outside_train_a_chain(
    outside: Path, tiny_file: Path, phantom_root: Path, load_tiny: Load
) -> None:
    make_plan(load_tiny())  # draws the phantom's images
    images = next(phantom_root.glob("phantom_shapes*"))
    file = outside / "mine.yaml"
    file.write_text(f"""
extends: {tiny_file}
stages:
  bright:
    {{part: 1, task: "mypkg.mod:Brightness", epochs: 1, size: 32, batch_size: 4, scale: 2.0,
     data: {{name: "mypkg.mod:index", root: "{images}"}}}}
  turned:
    {{part: 2, task: lung_ssl, method: "mypkg.mod:Rotation", turns: 2, epochs: 1, size: 32,
     batch_size: 4, data: {{name: phantom_ct, options: {{patients: 8, slices: 2, size: 64}}}}}}
chain: [bright, turned, diagnosis]
""")
    experiment = load_experiment(file)
    assert experiment.stages["bright"].scale == 2.0
    assert experiment.stages["turned"].turns == 2
    record, _, _ = run_quietly(experiment)
    assert [row.metric for row in record.stages] == ["loss", "loss", "val/auroc"]
    again, _, shown = run_quietly(experiment)
    assert shown.count("in the store") == 3
    source = outside / "mypkg" / "mod.py"
    source.write_text(source.read_text() + "\n# other source\n")
    before = [row.fingerprint for row in again.stages]
    after = [stage.fingerprint for stage in make_plan(experiment).chain]
    assert all(one != other for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("stages.shapes.task=sourse", r"'sourse' is no task; did you mean 'source'\?"),
        ("stages.shapes.task=nowhere.mod:Task", "there is no module 'nowhere' for 'nowhere.mod'"),
        ("stages.shapes.task=mypkg.mod:Nothing", "the module mypkg.mod has no 'Nothing'"),
        ("stages.shapes.task=mypkg.mod:index", "is no subclass of matl.stages.task.Task"),
        ("stages.lung.method=multiscale", r"did you mean 'multi_scale'\?"),
        ("stages.lung.method=mypkg.mod:Brightness", "is no subclass of .*LungSSL"),
        ("stages.shapes.whole=1", "is no key here"),
        ("stages.lung.mixup=1", "is no key here"),
    ],
)
def test_what_cannot_be_found_is_one_line(
    outside: Path, load_tiny: Load, word: str, message: str
) -> None:
    with pytest.raises(MatlError, match=message) as error:
        load_tiny(word)
    assert len(str(error.value).splitlines()) == 1
