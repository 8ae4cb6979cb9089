"""A chain that would see held-out patients or copies of their images is refused."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import Load

from data_modules.config import DataConfig
from matl.errors import MatlError
from matl.orchestrator.plan import make_plan

DIAGNOSIS = "chain=[diagnosis]"
OUTSIDE = """
from data_modules.samples import SPLITS
from matl.stages.diagnosis.task import Diagnosis
from matl.stages.source.task import Source
from matl.stages.ssl.multi_scale.method import MultiScale


class Seeing:
    @classmethod
    def training_splits(cls, config):
        return {splits}


class Eager(Seeing, Source):
    VERSION = 1


class Fitted(Seeing, Diagnosis):
    VERSION = 1


class Method(Seeing, MultiScale):
    @classmethod
    def select(cls, samples, config):
        return samples
"""


def test_self_supervision_never_sees_held_out_patients(load_tiny: Load) -> None:
    plan = make_plan(load_tiny())
    lung, diagnosis = plan.chain[1].samples, plan.chain[2].samples
    held_out = diagnosis.table[diagnosis.table["split"] != "train"]
    assert not set(lung.table["patient"]) & set(held_out["patient"])


def test_a_chain_that_leaks_is_refused(load_tiny: Load) -> None:
    kfold = ["stages.diagnosis.data.split=kfold", "stages.diagnosis.data.folds=2"]
    with pytest.raises(MatlError, match=r"stages\.lung\.data: trains on \d+ patients") as error:
        make_plan(load_tiny(*kfold))
    assert str(error.value).endswith("same split, or say transductive: true")
    source = ["chain=[shapes,diagnosis]", "stages.shapes.data=${stages.lung.data}"]
    with pytest.raises(MatlError, match=r"give both stages the same split$"):
        make_plan(load_tiny(*kfold, *source))
    make_plan(load_tiny(*kfold, "stages.lung.data=${stages.diagnosis.data}"))


def test_copies_of_held_out_images_are_refused(load_tiny: Load, tmp_path: Path) -> None:
    samples = make_plan(load_tiny(DIAGNOSIS)).chain[0].samples
    held_out = samples.subset(samples.table["split"] == "test").files()
    for number, file in enumerate(held_out):
        folder = tmp_path / "copies" / "train" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / f"copy{number}.png")
    experiment = load_tiny()
    experiment.stages["lung"].data = DataConfig(name="folder", root=str(tmp_path / "copies"))
    with pytest.raises(MatlError, match=f"trains on {len(held_out)} images that diagnosis holds"):
        make_plan(experiment)


@pytest.fixture
def seeing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A module of the user's whose tasks train on more splits than the training split."""
    (tmp_path / "seeing_tasks.py").write_text(OUTSIDE.format(splits=request.param))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    del sys.modules["seeing_tasks"]


@pytest.mark.parametrize(
    "seeing", ["('train', 'test')", "['train', 'val', 'test']", "SPLITS"], indirect=True
)
@pytest.mark.usefixtures("seeing")
def test_a_task_from_outside_must_not_train_on_held_out_images(load_tiny: Load) -> None:
    own = ["chain=[shapes,diagnosis]", "stages.shapes.data=${stages.diagnosis.data}"]
    expected = r"stages\.shapes\.data: trains on \d+ patients that diagnosis holds out .*; its task"
    with pytest.raises(MatlError, match=expected + " trains on the splits train, .*alone$"):
        make_plan(load_tiny(*own, "stages.shapes.task=seeing_tasks:Eager"))
    method = ["chain=[lung,diagnosis]", "stages.lung.method=seeing_tasks:Method"]
    with pytest.raises(MatlError, match=r"alone, or say transductive: true$"):
        make_plan(load_tiny(*method))
    make_plan(load_tiny(*method, "stages.lung.transductive=true"))
    with pytest.raises(MatlError, match=r"stages\.diagnosis\.task: seeing_tasks:Fitted trains on"):
        make_plan(load_tiny(DIAGNOSIS, "stages.diagnosis.task=seeing_tasks:Fitted"))
