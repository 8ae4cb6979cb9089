"""A chain that would see held-out patients or copies of their images is refused."""

import shutil
from pathlib import Path

import pytest
from tiny import Load

from data_modules.config import DataConfig
from matl.errors import MatlError
from matl.orchestrator.plan import make_plan

DIAGNOSIS = "chain=[diagnosis]"


def test_self_supervision_never_sees_held_out_patients(load_tiny: Load) -> None:
    plan = make_plan(load_tiny())
    lung, diagnosis = plan.chain[1].samples, plan.chain[2].samples
    held_out = diagnosis.table[diagnosis.table["split"] != "train"]
    assert not set(lung.table["patient"]) & set(held_out["patient"])


def test_a_chain_that_leaks_is_refused(load_tiny: Load) -> None:
    kfold = ["stages.diagnosis.data.split=kfold", "stages.diagnosis.data.folds=2"]
    with pytest.raises(MatlError, match=r"stages\.lung\.data: trains on \d+ patients"):
        make_plan(load_tiny(*kfold))
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
