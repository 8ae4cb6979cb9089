"""A loss that is no number, and a machine that is to be given back."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny import Load, run_quietly, weights
from torch import Tensor

from matl.errors import MatlError
from matl.orchestrator import fit as fit_module
from matl.orchestrator.job import Job
from matl.orchestrator.plan import make_plan
from matl.orchestrator.store import Store
from matl.preemption import REQUEUE, Preempted
from matl.stages.base import Stage

DIAGNOSIS = ("chain=[diagnosis]", "stages.diagnosis.epochs=4")
whole_step, fit = Stage.training_step, fit_module.fit
Step = Callable[[Stage, dict[str, Tensor], int], Tensor]


def not_finite_at(epoch: int, step: int, value: float, rank: int = 0) -> Step:
    """The training step, with a loss that is no number once."""

    def training_step(stage: Stage, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        loss = whole_step(stage, batch, batch_idx)
        here = (stage.current_epoch, batch_idx, stage.global_rank) == (epoch, step, rank)
        return loss * value if here else loss

    return training_step


def signalled_at(epoch: int, step: int, number: int, rank: int = 0) -> Step:
    """The training step, in which a signal comes to this process once."""

    def training_step(stage: Stage, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        if (stage.current_epoch, batch_idx, stage.global_rank) == (epoch, step, rank):
            os.kill(os.getpid(), number)
        return whole_step(stage, batch, batch_idx)

    return training_step


def fit_not_finite_in_one_process(job: Job) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "training_step", not_finite_at(2, 1, float("nan"), rank=1))
        fit(job)


def fit_signalled_in_one_process(job: Job) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "training_step", signalled_at(1, 0, signal.SIGUSR1, rank=1))
        fit(job)


def checkpoint(folder: Path) -> dict[str, int]:
    [file] = (folder / "store" / "unfinished").glob("*/last.ckpt")
    return torch.load(file, weights_only=True)


def go_on_and_compare(load_tiny: Load, folder: Path, *settings: str) -> None:
    """The same command resumes, and ends with the weights of an undisturbed run."""
    run_quietly(load_tiny(*settings))
    straight = [f"{name}={folder / 'straight' / name}" for name in ("store", "runs")]
    run_quietly(load_tiny(*settings, *straight))
    assert weights(folder) == weights(folder / "straight")


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        (float("nan"), ()),
        (float("inf"), ("stages.diagnosis.accumulate=2", "stages.diagnosis.clip=0")),
        (float("nan"), ("trainer.precision=bf16-mixed",)),
    ],
    ids=["nan", "infinite, accumulating", "bf16"],
)
def test_a_loss_that_is_no_number_ends_at_its_step(
    load_tiny: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: float,
    settings: tuple[str, ...],
) -> None:
    experiment = load_tiny(*DIAGNOSIS, *settings, "stages.diagnosis.batch_size=2")
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "training_step", not_finite_at(2, 2, value))
        with pytest.raises(MatlError) as caught:
            run_quietly(experiment)
    step = 2 if "stages.diagnosis.accumulate=2" in settings else 3
    said = re.fullmatch(
        rf"stages\.diagnosis: training diverged in epoch 3, step {step}: the loss is not finite on "
        r"(\S+), (\S+); lower lr, .*the last good checkpoint is kept",
        str(caught.value),
    )
    assert said
    samples = make_plan(experiment).chain[0].samples
    assert set(said.groups()) <= set(samples.table["path"])
    assert checkpoint(tmp_path)["epoch"] == 1  # the second, from 0
    assert not list(Store(tmp_path / "store"))


def test_at_most_some_images_are_named(load_tiny: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "training_step", not_finite_at(0, 0, float("nan")))
        with pytest.raises(MatlError, match=r"on (\S+, ){3}\S+ and 12 more; lower lr"):
            run_quietly(load_tiny(), through=1)


def test_weights_that_are_no_numbers_are_not_saved(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is finite, and the step after it is not; it is the epoch's last."""

    def spoil(stage: Stage, *_: object) -> None:
        if stage.current_epoch == 2 and stage.trainer.is_last_batch:
            next(stage.parameters()).data.fill_(float("nan"))

    with monkeypatch.context() as patch:
        patch.setattr(Stage, "on_before_zero_grad", spoil)
        with pytest.raises(MatlError, match="diverged in epoch 3: weights are not finite"):
            run_quietly(load_tiny(*DIAGNOSIS))
    assert checkpoint(tmp_path)["epoch"] == 1


@pytest.mark.parametrize(
    ("number", "epoch", "step", "accumulate", "saved"),
    [
        (signal.SIGTERM, 1, 0, 1, (1, 3)),
        pytest.param(signal.SIGUSR1, 1, 0, 2, (1, 3), marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 1, 1, 1, (1, 4), marks=pytest.mark.slow),
        pytest.param(signal.SIGUSR1, 3, 1, 1, (3, 8), marks=pytest.mark.slow),
    ],
    ids=["inside an epoch", "while accumulating", "in an epoch's last step", "in the last step"],
)
def test_a_signal_saves_behind_the_step_and_the_same_command_goes_on(
    load_tiny: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    epoch: int,
    step: int,
    accumulate: int,
    saved: tuple[int, int],
) -> None:
    batch = 2 if accumulate == 2 else 4
    settings = (*DIAGNOSIS, f"stages.diagnosis.accumulate={accumulate}")
    settings += (f"stages.diagnosis.batch_size={batch}",)
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "training_step", signalled_at(epoch, step, number))
        with pytest.raises(Preempted) as ended:
            run_quietly(load_tiny(*settings))
    assert ended.value.code == REQUEUE
    assert signal.getsignal(number) == before
    last = checkpoint(tmp_path)
    assert (last["epoch"], last["global_step"]) == saved
    go_on_and_compare(load_tiny, tmp_path, *settings)


def test_a_signal_behind_the_last_epoch_is_heeded(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the guard has looked for the last time while training."""
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "on_train_end", lambda stage: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(Preempted):
            run_quietly(load_tiny(*DIAGNOSIS))
    assert not list(Store(tmp_path / "store"))
    go_on_and_compare(load_tiny, tmp_path, *DIAGNOSIS)


@pytest.mark.slow
def test_the_loss_of_one_process_ends_all_alike(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (*DIAGNOSIS, "trainer.devices=2")
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "fit", fit_not_finite_in_one_process)
        with pytest.raises(MatlError, match=r"training diverged in epoch 3, step 2: .* on \S+, "):
            run_quietly(load_tiny(*settings))
    assert checkpoint(tmp_path)["epoch"] == 1
    go_on_and_compare(load_tiny, tmp_path, *settings)


@pytest.mark.slow
def test_a_signal_to_one_process_saves_and_ends_all(
    load_tiny: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (*DIAGNOSIS, "trainer.devices=2")
    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "fit", fit_signalled_in_one_process)
        with pytest.raises(Preempted):
            run_quietly(load_tiny(*settings))
    assert checkpoint(tmp_path)["global_step"] == 3
    go_on_and_compare(load_tiny, tmp_path, *settings)
