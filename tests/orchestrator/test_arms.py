"""Arms differ in the operator and in nothing else: weights, batches and views are hashed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from tiny import Load
from torch import Tensor

from matl.backbones import canonical_state
from matl.orchestrator.job import Job, data_module, initial_stage
from matl.orchestrator.plan import make_plan
from matl.orchestrator.stage_images import open_images
from matl.stages.base import Stage

ARMS = ("attention", "convolution", "none")
STAGES = ("shapes", "lung", "diagnosis")


def hashed(tensors: Iterable[tuple[str, Tensor]]) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def job_of(load_tiny: Load, tmp_path: Path, operator: str, name: str) -> Job:
    plan = make_plan(load_tiny(f"backbone.operator={operator}"))
    stage = next(one for one in plan.chain if one.name == name)
    images = open_images(plan.experiment, stage)
    return Job(plan.experiment, stage, plan.resources, images, None, tmp_path, "arms", (1, 1))


def batch_hash(job: Job, stage: Stage) -> str:
    """Of all batches of two epochs, and of each batch's random views."""
    loader = data_module(job, rank=0).train_dataloader()
    hashes = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        for step, batch in enumerate(loader):
            stage._batch_index = step
            view = stage.draw_view(batch, stage.config.views)
            parts = {**batch, "view": view.image, "theta": view.theta}
            hashes.append(hashed(sorted(parts.items())))
    return hashed_text(hashes)


def hashed_text(hashes: list[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


@pytest.mark.parametrize("name", STAGES)
def test_arms_begin_with_the_same_weights_and_see_the_same_batches(
    load_tiny: Load, tmp_path: Path, name: str
) -> None:
    weights, heads, operators, batches = set(), set(), {}, set()
    for operator in ARMS:
        job = job_of(load_tiny, tmp_path, operator, name)
        stage = initial_stage(job)
        state = canonical_state(stage.backbone)
        common = [(k, v) for k, v in state.items() if not k.startswith("operators.")]
        inserted = [
            (k, v) for k, v in state.items() if k.startswith("operators.") and ".mix." not in k
        ]
        weights.add(hashed(common))
        heads.add(hashed(stage.heads.state_dict().items()))
        operators[operator] = hashed(inserted)
        batches.add(batch_hash(job, stage))
    assert len(weights) == len(heads) == len(batches) == 1
    assert operators["attention"] == operators["convolution"] != operators["none"]


def test_another_seed_gives_other_weights_and_batches(load_tiny: Load, tmp_path: Path) -> None:
    jobs = []
    for seed in (0, 1):
        plan = make_plan(load_tiny(f"seed={seed}"))
        stage = plan.chain[-1]
        images = open_images(plan.experiment, stage)
        job = Job(plan.experiment, stage, plan.resources, images, None, tmp_path, "a", (1, 1))
        jobs.append(job)
    stages = [initial_stage(job) for job in jobs]
    states = [hashed(canonical_state(stage.backbone).items()) for stage in stages]
    assert states[0] != states[1]
    assert batch_hash(jobs[0], stages[0]) != batch_hash(jobs[1], stages[1])
