"""Several processes learn what one does, and see what one sees."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tiny import Load

from data_modules.loader import BatchLoader
from matl.names import BACKBONE, CURVES, HEADS
from matl.orchestrator.fit import train
from matl.orchestrator.job import Job, data_module
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.orchestrator.training import stage_job

SCANS = "data.options={patients: 20, slices: 2, size: 64}"
NO_BATCH_NORM = (
    "backbone.name=convnext_atto",
    "stages.shapes.class_weights=balanced",
    "stages.shapes.data.options.images=75",
    f"stages.lung.{SCANS}",
    f"stages.diagnosis.{SCANS}",
    *(
        f"stages.{name}.{setting}"
        for name in ("shapes", "lung", "diagnosis")
        for setting in ("size=64", "batch_size=8", "optimizer=sgd", "lr=0.01")
    ),
)
"""Not Adam: where a gradient is zero but for rounding, it divides rounding by rounding."""
LEAST_STEPS = 20
MEANS = ["spread", "whole/spread", "region/spread", "contribution/16", "identity/position_alone"]
"""Shown as the mean of the processes' own, which is not that of the whole batch."""
NOT_EXACT = [*MEANS, "region/accuracy", "seconds", "peak_memory_mb"]
"""Regions that share a cell tie, and rounding decides who is right."""


def trained(load_tiny: Load, name: str, processes: int, tmp_path: Path, *words: str) -> Job:
    """A stage trained from scratch for at least twenty steps."""
    chain = "chain=[diagnosis]" if name == "diagnosis" else f"chain=[{name},diagnosis]"
    epochs = 10
    store = tmp_path / f"store{processes}"
    settings = [chain, f"store={store}", f"stages.{name}.epochs={epochs}"]
    experiment = load_tiny(
        *NO_BATCH_NORM, *words, *settings, f"trainer.devices={processes}", "trainer.threads=1"
    )
    plan = make_plan(experiment)
    job = stage_job(plan, plan.chain[0], Store(store))
    assert epochs * len(data_module(job, rank=0).train_dataloader()) >= LEAST_STEPS
    train(job)
    return job


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shapes", []),
        ("lung", []),
        ("lung", ["stages.lung.method=moco"]),
        ("lung", ["stages.lung.method=dino", "stages.lung.prototypes=64"]),
        ("diagnosis", []),
    ],
)
def test_one_two_and_four_processes_end_with_the_same_weights(
    load_tiny: Load, tmp_path: Path, name: str, words: list[str]
) -> None:
    one, *others = (trained(load_tiny, name, count, tmp_path, *words) for count in (1, 2, 4))
    for job in others:
        for file in (BACKBONE, HEADS):
            expected, weights = load_file(one.workspace / file), load_file(job.workspace / file)
            for key, value in expected.items():
                torch.testing.assert_close(weights[key], value, rtol=0, atol=1e-5)
        logged = [pd.read_csv(each.workspace / CURVES) for each in (one, job)]
        for column in logged[0].columns.difference(NOT_EXACT):
            assert logged[1][column].to_numpy() == pytest.approx(
                logged[0][column], abs=1e-5, nan_ok=True
            )


def test_no_image_sits_out_for_ever_where_processes_cannot_divide_all() -> None:
    rows = np.arange(19)
    loaders = [
        BatchLoader({}, rows, batch_size=32, shuffle=True, rank=rank, world_size=4)
        for rank in range(4)
    ]
    seen: set[int] = set()
    for epoch in range(8):
        for loader in loaders:
            loader.sampler.set_epoch(epoch)
            assert len(loader) == 1
            seen.update(int(row) for batch in loader for row in batch["index"])
    assert seen == set(rows.tolist())
