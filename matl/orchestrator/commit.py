"""The end of a stage: its scores, its manifest, and the commit to the store."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from data_modules.file_hashes import FileHashes
from data_modules.levels import levels_by_unit
from data_modules.spacing import stated_spacing
from matl.config.load import plain
from matl.errors import MatlError
from matl.files import file_digest, json_bytes
from matl.manifest import FORMAT, StageManifest, write_manifest
from matl.names import BACKBONE, CURVES, FINISHED, FITTED_FLOOR, HEADS, SCORES, TRAINED_ON
from matl.orchestrator.batch import shrunk
from matl.orchestrator.floors import floor_of
from matl.orchestrator.job import Job, data_module
from matl.orchestrator.scoring import score_samples, write_scores
from matl.orchestrator.starts import own_start, start_scores
from matl.orchestrator.store import Store
from matl.orchestrator.wandb_logger import last_id
from matl.stages.task import Task
from matl.trained import rebuild

LIBRARIES = ("torch", "timm", "pytorch-lightning", "monai", "lightly", "numpy", "scikit-learn")


def commit(job: Job, store: Store) -> None:
    """Scores a trained stage where it is a diagnosis, and moves it into the store whole."""
    finished = job.workspace / FINISHED
    shutil.rmtree(finished, ignore_errors=True)
    finished.mkdir()
    for name in (BACKBONE, HEADS, CURVES):
        shutil.copyfile(job.workspace / name, finished / name)
    facts = job.stage.task.facts(job.images.samples, job.stage.config)
    if job.stage.task.diagnoses:
        _write_scores(job, facts, finished)
        floor = floor_of(job.stage, store, lambda: job.images)
        (finished / FITTED_FLOOR).write_bytes(json_bytes(asdict(floor.fitted)))
        start_scores(own_start(job.stage), job.stage, job.experiment, store, lambda: job.images)
    _write_trained_on(job, finished)
    write_manifest(_manifest(job, facts, finished), finished)
    store.commit(job.stage.fingerprint, finished)
    shutil.rmtree(job.workspace)


def _write_scores(job: Job, facts: dict[str, Any], folder: Path) -> None:
    """Scores of the diagnosis: test labels are read here, and by the floor."""
    stage = rebuild(job.experiment.backbone, job.stage.config, facts, folder)
    data = data_module(job, rank=0)
    try:
        scores = score_samples(stage, data, ("val", "test"), job.resources.device)
    except MatlError as error:
        again = f"matl store remove {job.stage.fingerprint} --store {job.experiment.store}"
        message = f"stages.{job.stage.name}: {error}; lower lr, then {again} to train it again"
        raise MatlError(message) from error
    write_scores(scores, folder / SCORES)


def _write_trained_on(job: Job, folder: Path) -> None:
    """Keeps what `matl evaluate` asks of the training images, which may be elsewhere then."""
    hashes = FileHashes(Path(job.experiment.cache)).of(job.stage.training.absolute_paths())
    (folder / TRAINED_ON).write_text("".join(f"{one}\n" for one in sorted(set(hashes))))


def _manifest(job: Job, facts: dict[str, Any], folder: Path) -> StageManifest:
    stage, samples, resources = job.stage, job.images.samples, job.resources
    curves = pd.read_csv(folder / CURVES)
    last = curves.iloc[-1]
    name = metric_name(stage.task, curves)
    settings = plain(stage.config)
    del settings["data"]
    return StageManifest(
        format=FORMAT,
        fingerprint=stage.fingerprint,
        parent=stage.parent,
        experiment=job.experiment.name,
        stage=stage.name,
        part=stage.config.part,
        task=stage.config.task,
        data=" + ".join(sorted(samples.table["source"].unique())),
        classes=list(samples.classes),
        positive=samples.positive,
        counts={str(split): int(n) for split, n in samples.table["split"].value_counts().items()},
        patients=int(samples.table.drop_duplicates(["source", "patient"]).shape[0]),
        notes=[*samples.notes, *shrunk(job)],
        settings=settings,
        backbone=plain(replace(job.experiment.backbone, weights=None)),
        facts=facts,
        batch_size=stage.config.batch_size,
        epochs=int(last["epoch"]),
        seconds=round(float(curves["seconds"].sum()), 2),
        images_per_second=round(float(curves["images"].sum() / curves["seconds"].sum()), 2),
        peak_memory_mb=round(float(curves["peak_memory_mb"].max()), 1),
        metric={"name": name, "value": float(last[name])},
        identity=stage.identity,
        trainer={
            "accelerator": resources.accelerator,
            "processes": resources.processes,
            "threads": resources.threads,
            "precision": resources.precision,
        },
        finished=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        versions=versions(),
        commit=_commit(),
        machine=machine(resources.device),
        wandb=last_id(job.workspace),
        levels=levels_by_unit(samples),
        spacing=stated_spacing(samples),
        sha256={file.name: file_digest(file) for file in sorted(folder.iterdir())},
    )


def metric_name(task: type[Task], curves: pd.DataFrame) -> str:
    """The logged value that stands for a stage: its task's metric where it was logged."""
    wanted = [*task.metric_names, "loss"]
    return next(name for name in wanted if name in curves.columns)


def versions() -> dict[str, str]:
    """Versions of Python and the libraries by name."""
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **versions}


def _commit() -> str | None:
    """The checkout's commit, with a plus sign where files differ from it."""
    folder = Path(__file__).parent
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return head + ("+" if _git(folder, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def machine(device: torch.device) -> dict[str, Any]:
    """The system, the device and the number of cores."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {"system": platform.platform(), "device": name, "cores": os.cpu_count()}


def _processor() -> str:
    """The processor's name where the system names it, else its architecture."""
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
