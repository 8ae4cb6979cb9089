"""The tiny experiment, and a run of it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from safetensors.torch import load_file

from matl.config import Experiment
from matl.names import BACKBONE, HEADS
from matl.orchestrator.run import run
from matl.orchestrator.store import Store
from matl.report.run_record import RunRecord

TINY = """
name: tiny
backbone: {name: resnet10t, operator: attention, at_strides: [16]}
stages:
  shapes:
    part: 1
    task: source
    data: {name: phantom_shapes, options: {images: 60, size: 32}}
    size: 32
    epochs: 1
    batch_size: 16
  lung:
    part: 3
    task: lung_ssl
    data: {name: phantom_ct, options: {patients: 8, slices: 2, size: 64}}
    size: 32
    epochs: 2
    batch_size: 4
  diagnosis:
    part: 3
    task: diagnosis
    data: {name: phantom_ct, options: {patients: 8, slices: 2, size: 64}}
    size: 32
    epochs: 2
    batch_size: 4
chain: [shapes, lung, diagnosis]
trainer: {accelerator: cpu, threads: 1, precision: 32-true}
"""

Load = Callable[..., Experiment]


def write_tiny(folder: Path, data_root: Path) -> Path:
    """Writes the tiny experiment with store, cache and runs in the same folder."""
    places = [f"data_root: {data_root}"]
    places += [f"{name}: {folder / name}" for name in ("store", "cache", "runs")]
    file = folder / "tiny.yaml"
    file.write_text(TINY + "\n".join(places) + "\n")
    return file


def console_of() -> tuple[Console, io.StringIO]:
    """A console, and what it shows."""
    shown = io.StringIO()
    return Console(file=shown, width=100), shown


def run_quietly(experiment: Experiment, **options: Any) -> tuple[RunRecord, Path, str]:
    """Runs an experiment; also returns what it showed."""
    console, shown = console_of()
    record, folder = run(experiment, command="matl run tiny.yaml", console=console, **options)
    return record, folder, shown.getvalue()


def weights(folder: Path) -> dict[str, dict[str, bytes]]:
    """Every tensor of every finished stage, as bytes."""
    store = Store(folder / "store")
    return {
        f"{entry}/{name}": {
            key: value.numpy().tobytes()
            for key, value in load_file(store.entry(entry) / name).items()
        }
        for entry in store
        for name in (BACKBONE, HEADS)
    }
