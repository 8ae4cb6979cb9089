"""Runs that are interrupted, in a process of their own or by an error inside."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from matl.stages.base import Stage

SLOWER = ["stages.shapes.epochs=3", "stages.lung.epochs=4", "stages.diagnosis.epochs=6"]


def command(file: Path, *overrides: str) -> list[str]:
    return [sys.executable, "-m", "matl.cli", "run", str(file), *SLOWER, *overrides]


def finish(file: Path, *overrides: str) -> str:
    """Runs an experiment to its end; what it printed."""
    done = subprocess.run(command(file, *overrides), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class BrokenOff(Exception):
    """Ends a training step."""


def failing_at(epoch: int, step: int) -> Callable[..., Tensor]:
    whole = Stage.training_step

    def training_step(stage: Stage, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        if (stage.current_epoch, batch_idx) == (epoch, step):
            raise BrokenOff
        return whole(stage, batch, batch_idx)

    return training_step
