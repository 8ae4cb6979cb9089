"""Training of one stage, in one process or one a device."""

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.strategies import DDPStrategy, Strategy
from rich.console import Console
from torch.distributed.launcher import LaunchConfig, elastic_launch

from matl.backbones import canonical_state, save_weights
from matl.orchestrator.callbacks import CurveRecorder, MidEpochCheckpoint, StageProgress
from matl.orchestrator.job import Job, data_module, initial_stage, open_images
from matl.orchestrator.store import BACKBONE, CURVES, HEADS

CHECKPOINT = "last.ckpt"


def train(job: Job) -> None:
    """Trains a stage to its end; its weights and curves lie in the workspace afterwards.

    With several processes each stage runs in its own group of child processes, so that none
    inherits another's group, port or memory.
    """
    if job.resources.processes == 1:
        fit(job)
        return
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=job.resources.processes,
        run_id=job.stage.fingerprint,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        start_method="spawn",
    )
    elastic_launch(config, fit)(job)


def fit(job: Job) -> None:
    """Fits a stage in this process, from its last checkpoint where there is one."""
    torch.set_num_threads(job.resources.threads)
    _quiet_lightning()
    rank = int(os.environ.get("RANK", 0))
    images = open_images(job)
    stage = initial_stage(job, images.samples)
    if job.resources.channels_last:
        stage = stage.to(memory_format=torch.channels_last)
    trainer = _trainer(job)
    checkpoint = job.workspace / CHECKPOINT
    try:
        trainer.fit(
            stage,
            data_module(job, images, rank),
            ckpt_path=checkpoint if checkpoint.exists() else None,
            weights_only=True,
        )
    finally:
        if isinstance(trainer.logger, WandbLogger) and trainer.is_global_zero:
            trainer.logger.experiment.finish()
    if trainer.is_global_zero:
        save_weights(job.workspace / BACKBONE, canonical_state(stage.backbone), _metadata(job))
        save_weights(job.workspace / HEADS, stage.heads.state_dict(), _metadata(job))


def _quiet_lightning() -> None:
    """Leaves out what Lightning says of every stage; its warnings of real trouble stay."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for known in (
        ".*does not have many workers.*",
        ".*Checkpoint directory.*exists.*",
        ".*no `validation_step`.*",
        ".*in eval mode at the start of training.*",
        ".*LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", known)


def _metadata(job: Job) -> dict[str, str]:
    return {"fingerprint": job.stage.fingerprint, "stage": job.stage.name}


def _trainer(job: Job) -> pl.Trainer:
    config, resources = job.stage.config, job.resources
    callbacks: list[pl.Callback] = [
        CurveRecorder(job.workspace / CURVES),
        StageProgress(job.stage.name, job.place, Console()),
        *_checkpoints(job),
    ]
    return pl.Trainer(
        accelerator=resources.accelerator,
        devices=resources.processes,
        strategy=_strategy(job),
        precision=resources.precision,  # type: ignore[arg-type]
        max_epochs=config.epochs,
        gradient_clip_val=config.clip or None,
        accumulate_grad_batches=config.accumulate,
        sync_batchnorm=resources.processes > 1 and resources.accelerator == "gpu",
        logger=_wandb(job),
        callbacks=callbacks,
        log_every_n_steps=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=job.workspace,
    )


def _checkpoints(job: Job) -> list[ModelCheckpoint]:
    """One file, replaced after every epoch and, where asked for, every few steps."""
    settings: dict[str, Any] = {
        "dirpath": job.workspace,
        "filename": Path(CHECKPOINT).stem,
        "save_top_k": 1,
        "enable_version_counter": False,
    }
    checkpoints = [ModelCheckpoint(every_n_epochs=1, save_on_train_epoch_end=True, **settings)]
    steps = job.stage.config.checkpoint_every
    return checkpoints + (
        [MidEpochCheckpoint(every_n_train_steps=steps, **settings)] if steps else []
    )


def _strategy(job: Job) -> Strategy | str:
    if job.resources.processes == 1:
        return "auto"
    backend = "nccl" if job.resources.accelerator == "gpu" else "gloo"
    optional_terms = job.stage.config.task == "lung_ssl"
    return DDPStrategy(process_group_backend=backend, find_unused_parameters=optional_terms)


def _wandb(job: Job) -> WandbLogger | bool:
    settings = job.experiment.logger
    if settings.wandb == "disabled":
        return False
    return WandbLogger(
        project=settings.project,
        group=job.group,
        name=job.stage.name,
        id=job.stage.fingerprint,
        resume="allow",
        offline=settings.wandb == "offline",
        save_dir=job.experiment.runs,
        config=job.stage.identity,
    )
