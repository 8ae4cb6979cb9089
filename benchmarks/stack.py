"""The whole stack over a bare PyTorch loop, at equal model, views, batch and precision."""

import time
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from matl.config import load_experiment
from matl.names import CURVES
from matl.orchestrator.fit import fit
from matl.orchestrator.job import Job, data_module, initial_stage
from matl.orchestrator.plan import Plan, PlannedStage, make_plan
from matl.orchestrator.stage_images import open_images
from matl.stages.base import Stage
from matl.stages.ssl.multi_scale.stage import MultiScaleStage

TASKS = {"source": "xray", "lung_ssl": "lung", "diagnosis": "diagnosis"}
REPEATS = 4
EPOCHS = 3
ALL_LABELS = ("stages.diagnosis.data.label_fraction=1.0", "stages.diagnosis.batch_size=32")


def whole_stack(task: str, folder: Path) -> dict[str, float]:
    """Images a second of a demo stage through `fit` and through a bare loop, alternating."""
    stack, bare = [], []
    first_batch = _seconds_to_first_batch(*demo_plan(TASKS[task], folder))
    for repeat in range(REPEATS):
        job = demo_job(TASKS[task], folder, str(repeat))
        for rates, measure in _turns([(bare, _bare_rate), (stack, _stack_rate)], repeat):
            rates.append(measure(job))
    ratio = median(stack) / median(bare)
    return {
        "stack": median(stack),
        "bare": median(bare),
        "ratio": ratio,
        "first_batch_s": first_batch,
    }


def _turns(measures: list[Any], repeat: int) -> list[Any]:
    """Who is measured first changes with every repeat."""
    return measures[::-1] if repeat % 2 else measures


def _stack_rate(job: Job) -> float:
    fit(job)
    return images_a_second(job)


def images_a_second(job: Job) -> float:
    """Of a stage that was trained, after its first epoch."""
    curves = pd.read_csv(job.workspace / CURVES).iloc[1:]
    return curves["images"].sum() / curves["seconds"].sum()


def _seconds_to_first_batch(plan: Plan, stage: PlannedStage) -> float:
    """From image files to the first batch: decoding included, where no stage did it before."""
    start = time.perf_counter()
    job = open_job(plan, stage, Path())
    next(iter(data_module(job, rank=0).train_dataloader()))
    return time.perf_counter() - start


def demo_job(name: str, folder: Path, place: str, *words: str) -> Job:
    """A stage of the demo, with few epochs and overrides, and a workspace of its own."""
    workspace = folder / f"{name}-{place}"
    workspace.mkdir()
    return open_job(*demo_plan(name, folder, *words), workspace)


def demo_plan(name: str, folder: Path, *words: str) -> tuple[Plan, PlannedStage]:
    """The plan of the demo with all labels and few epochs of one stage, and that stage.

    No image is read.
    """
    overrides = [
        *ALL_LABELS,
        *words,
        *(f"{key}={folder / key}" for key in ("store", "cache", "runs")),
    ]
    overrides += [f"data_root={folder}", f"stages.{name}.epochs={EPOCHS}"]
    plan = make_plan(load_experiment(Path("experiments/demo.yaml"), overrides))
    return plan, next(stage for stage in plan.chain if stage.name == name)


def open_job(plan: Plan, stage: PlannedStage, workspace: Path) -> Job:
    """A stage with its images opened, which decodes those that no stage did before."""
    images = open_images(plan.experiment, stage)
    return Job(plan.experiment, stage, plan.resources, images, None, workspace, "bench", (1, 1))


def _bare_rate(job: Job) -> float:
    stage = initial_stage(job).to(job.resources.device)
    if job.resources.channels_last:
        stage = stage.to(memory_format=torch.channels_last)
    stage.record = lambda *_: None  # type: ignore[method-assign] # there is no trainer to log to
    batches = [_on(batch, job.resources.device) for batch in _batches(job)]
    optimizer = torch.optim.AdamW(
        [weight for weight in stage.parameters() if weight.requires_grad], lr=1e-4
    )
    _bare_epoch(stage, batches, optimizer, job)
    start = time.perf_counter()
    for _ in range(EPOCHS - 1):
        _bare_epoch(stage, batches, optimizer, job)
    seconds = time.perf_counter() - start
    return (EPOCHS - 1) * sum(len(batch["image"]) for batch in batches) / seconds


def _batches(job: Job) -> list[dict[str, Tensor]]:
    return list(data_module(job, rank=0).train_dataloader())


def _on(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _bare_epoch(
    stage: Stage, batches: list[dict[str, Tensor]], optimizer: torch.optim.Optimizer, job: Job
) -> None:
    autocast = job.resources.precision == "bf16-mixed"
    for batch in batches:
        with torch.autocast(job.resources.device.type, torch.bfloat16, enabled=autocast):
            loss = stage.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(stage.parameters(), job.stage.config.clip)
        optimizer.step()
        if isinstance(stage, MultiScaleStage):
            stage.follow()
    if job.resources.device.type == "cuda":
        torch.cuda.synchronize()
