"""Training of one stage, in one process or one a device."""

import logging
import os
import signal
import sys
import warnings
from contextlib import nullcontext
from multiprocessing import parent_process
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import DDPStrategy, Strategy
from rich.console import Console
from timm.layers import convert_sync_batchnorm
from torch.multiprocessing import _prctl_pr_set_pdeathsig  # type: ignore[attr-defined]

from data_modules.file_hashes import FileHashes
from data_modules.module import ImageDataModule
from matl.backbones import AttentiveBackbone, canonical_state, save_weights
from matl.files import disk_errors
from matl.names import BACKBONE, CHECKPOINT, CURVES, HEADS
from matl.orchestrator.average import LastEpochs
from matl.orchestrator.batch import refuse_batch
from matl.orchestrator.callbacks import CurveRecorder, StageProgress
from matl.orchestrator.checkpoints import LastTwo, checkpoint_callbacks, go_on
from matl.orchestrator.guard import Guard
from matl.orchestrator.job import Job, data_module, initial_stage
from matl.orchestrator.launch import launch
from matl.orchestrator.nodes import ALONE, Nodes
from matl.orchestrator.process_group import OneMachine, join_group
from matl.orchestrator.stage_card import stage_card
from matl.orchestrator.validation import Validation, validation_interval
from matl.orchestrator.wandb_curves import CurveLogger
from matl.orchestrator.wandb_logger import log_weights, stage_logger
from matl.orchestrator.watch import Watch
from matl.preemption import Preempted
from matl.stages.base import Stage
from matl.terminal import terminal


def train(job: Job, nodes: Nodes = ALONE) -> None:
    """Trains a stage to its end; its weights and curves lie in the workspace afterwards.

    With several processes each stage runs in its own group of child processes, so that none
    inherits another's group, port or memory. On several nodes each calls this.

    Raises:
        MatlError: training diverged, or a process was killed; the others are stopped then.
        Collapsed: its features say nothing any more, and `on_collapse` is `stop`.
        ProcessEnded: a process ended otherwise.
        Preempted: the machine is to be given back; a checkpoint was saved.
    """
    if job.resources.processes == 1 and not job.resources.max_restarts:
        fit(go_on(job))
    else:
        launch(fit, job, nodes)


def fit(job: Job) -> None:
    """Fits a stage in this process, from the job's checkpoint where it has one."""
    if job.resources.processes > 1 or job.resources.max_restarts:
        _end_with_parent()
    torch.set_num_threads(job.resources.threads)
    _quiet_lightning()
    rank = int(os.environ.get("RANK", 0))
    console = terminal() if rank == 0 else Console(quiet=True)
    stage = initial_stage(job)
    if job.resources.channels_last:
        stage = stage.to(memory_format=torch.channels_last)
    if job.resources.processes > 1 and job.resources.accelerator == "gpu":
        stage = convert_sync_batchnorm(stage)  # torch's own would lose timm's fused activations
    if job.resources.compile:
        _compile_backbones(stage)
    data = data_module(job, rank)
    with (
        disk_errors(job.workspace),
        stage_logger(job, console) if rank == 0 else nullcontext() as logger,
    ):
        if job.resources.processes > 1 and job.resources.nodes == 1:
            join_group(_backend(job))
        average = LastEpochs(job.stage.config.average)
        recorder = CurveRecorder(
            job.workspace / CURVES, job.stage.task.monitor(data, job.stage.config, job.stage.seed)
        )
        watch = Watch(job.stage, recorder, console)
        trainer = _trainer(job, console, logger, [recorder, watch, average])
        _fit_to_end(trainer, stage, data, job)
        watch.end_if_asked()
        average.put_into(stage)
        if trainer.is_global_zero:
            description = _description(job, stage.backbone)
            save_weights(job.workspace / BACKBONE, canonical_state(stage.backbone), description)
            save_weights(job.workspace / HEADS, stage.heads.state_dict(), description)
        if logger is not None:
            log_weights(logger.run, job)


def _fit_to_end(trainer: pl.Trainer, stage: Stage, data: ImageDataModule, job: Job) -> None:
    try:
        trainer.fit(stage, data, ckpt_path=job.checkpoint, weights_only=True)
    except Preempted:
        raise
    except SystemExit:
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise
    except RuntimeError as error:
        refuse_batch(job, error)
        raise


def _end_with_parent() -> None:
    """Ends this process of a group with the command's, so that no two runs ever write at once.

    The launcher's own SIGINT is not heeded while a process waits for the others.
    """
    _prctl_pr_set_pdeathsig(signal.SIGKILL)
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        sys.exit(1)


def _compile_backbones(stage: Stage) -> None:
    """Compiles in place, so that the keys of weights and checkpoints stay."""
    for module in stage.modules():
        if isinstance(module, AttentiveBackbone):
            module.compile()


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


def _description(job: Job, backbone: AttentiveBackbone) -> dict[str, str]:
    """What the files of a stage's weights say beside them."""
    mean, std = (
        [round(number, 6) for number in values.flatten().tolist()]
        for values in (backbone.network.mean, backbone.network.std)
    )
    hashes = FileHashes(Path(job.experiment.cache))
    card = stage_card(job.stage, job.experiment.backbone, job.parent_weights, mean, std, hashes)
    return {"fingerprint": job.stage.fingerprint, "stage": job.stage.name, **card.as_text()}


def _trainer(
    job: Job, console: Console, logger: CurveLogger | None, callbacks: list[pl.Callback]
) -> pl.Trainer:
    config, resources, task = job.stage.config, job.resources, job.stage.task
    callbacks = [
        Validation(validation_interval(job.images.samples)),
        *callbacks,
        StageProgress(job.stage.title, ("loss", *task.metric_names), job.place, console),
        Guard(job.stage.name, job.images.samples, job.workspace / CHECKPOINT),
        *checkpoint_callbacks(job.workspace, config.checkpoint_every),
    ]
    return pl.Trainer(
        accelerator=resources.accelerator,
        devices=resources.processes_a_node,
        num_nodes=resources.nodes,
        strategy=_strategy(job),
        precision=resources.precision,  # type: ignore[arg-type]
        max_epochs=config.epochs,
        gradient_clip_val=config.clip or None,
        accumulate_grad_batches=config.accumulate,
        logger=logger or False,
        callbacks=callbacks,
        plugins=[LastTwo()],
        log_every_n_steps=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=job.workspace,
    )


def _strategy(job: Job) -> Strategy | str:
    if job.resources.processes == 1:
        return "auto"
    return DDPStrategy(
        cluster_environment=OneMachine() if job.resources.nodes == 1 else None,
        process_group_backend=_backend(job),
        find_unused_parameters=job.stage.task.unused_parameters,
    )


def _backend(job: Job) -> str:
    return "nccl" if job.resources.accelerator == "gpu" else "gloo"
