"""What is measured of a stage as it trains leaves the stage as it was."""

from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from tiny import Load

from data_modules.module import ImageDataModule
from matl.orchestrator.job import Job, data_module, initial_stage
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job
from matl.stages.base import Stage
from matl.stages.ssl.monitor import Monitor

NAMES = {f"embedding/{one}" for one in ("rank", "collapse", "cosine", "uniformity", "alignment")}
PROBES = {"probe/knn", "probe/linear"}


@pytest.fixture
def job(load_tiny: Load, tmp_path: Path) -> Job:
    scans = "stages.lung.data.options={patients: 12, slices: 2, size: 64}"
    plan = make_plan(load_tiny("chain=[lung,diagnosis]", "stages.lung.epochs=20", scans))
    return stage_job(plan, plan.chain[0], Store(tmp_path / "store"))


def in_training(job: Job) -> tuple[Stage, ImageDataModule]:
    """A stage as it is while it trains, with a layer that is not."""
    stage = initial_stage(job).train()
    next(stage.backbone.network.children()).eval()
    stage.trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    return stage, data_module(job, rank=0)


def measure(job: Job, stage: Stage, data: ImageDataModule, epoch: int) -> dict[str, float]:
    task, config = job.stage.task, job.stage.config
    found = task.monitor(data, config, job.stage.seed)
    assert found is not None
    return found(stage, epoch)


def with_settings(job: Job, **settings: int) -> Job:
    for name, value in settings.items():
        setattr(job.stage.config, name, value)
    return job


def test_measuring_changes_neither_stage_nor_random_state(job: Job) -> None:
    stage, data = in_training(with_settings(job, probe_every=1))
    weights = {name: value.clone() for name, value in stage.state_dict().items()}
    modes = [module.training for module in stage.modules()]
    torch.manual_seed(1)
    drawn = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    found = measure(job, stage, data, epoch=1)
    assert set(found) == NAMES | PROBES
    assert all(np.isfinite(list(found.values())))
    assert [module.training for module in stage.modules()] == modes
    assert True in modes
    assert False in modes
    assert all(torch.equal(value, weights[name]) for name, value in stage.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    torch.rand(3)
    assert measure(job, stage, data, epoch=1) == found, "the sample or its views have changed"


@pytest.mark.parametrize(
    ("every", "measured"), [(1, list(range(1, 21))), (6, [1, 6, 12, 18, 20]), (0, [1, 20])]
)
def test_the_first_the_last_and_each_nth_epoch_are_measured(
    job: Job, every: int, measured: list[int]
) -> None:
    stage, data = in_training(with_settings(job, monitor_every=every))
    found = [epoch for epoch in range(1, 21) if measure(job, stage, data, epoch)]
    assert found == measured


def test_probes_come_when_they_are_asked_for(job: Job) -> None:
    stage, data = in_training(with_settings(job, probe_every=3, monitor_every=20))
    assert set(measure(job, stage, data, epoch=3)) == PROBES
    assert set(measure(job, stage, data, epoch=4)) == set()


@pytest.mark.parametrize(("images", "passes", "every"), [(12_800, 4, 1), (425, 4, 8), (425, 6, 6)])
def test_measuring_costs_about_three_per_cent_unless_it_is_set(
    job: Job, images: int, passes: int, every: int
) -> None:
    """256 plain views and 64 images in two views are 384 passes."""
    data = data_module(job, rank=0)
    one = data.samples.table.query("split == 'train'").iloc[:1]
    table = one.loc[one.index.repeat(images)].reset_index(drop=True)
    object.__setattr__(data.samples, "table", table)
    assert Monitor(data, job.stage.config, 0, ("train",), passes).every == every


def test_constant_features_show(job: Job) -> None:
    stage, data = in_training(job)
    with torch.no_grad():
        for parameter in stage.backbone.parameters():
            parameter.zero_()
    found = measure(job, stage, data, epoch=1)
    assert found["embedding/cosine"] == 1
    assert found["embedding/collapse"] == 1
    assert found["embedding/rank"] == 0
    assert found["embedding/alignment"] == 0
