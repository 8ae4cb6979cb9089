"""Every method learns, moves what it trains, resumes bitwise, and is listed with its paper."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from ssl_methods import build, scans
from torch import Tensor, nn

from matl.stages.base import Stage
from matl.stages.ssl.method import Method
from matl.stages.ssl.stage import MethodStage
from matl.stages.ssl.task import METHODS, LungSSL
from matl.views import Share, ViewConfig

OWN_FILE = [name for name in METHODS if issubclass(LungSSL.chosen({"method": name}), Method)]


class Repeated(torch.utils.data.Dataset[dict[str, Tensor]]):
    """The same batch at every step."""

    def __init__(self, batch: dict[str, Tensor], steps: int) -> None:
        self.batch, self.steps = batch, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, at: int) -> dict[str, Tensor]:
        if at >= self.steps:
            raise IndexError
        return self.batch


class KeepAt(pl.Callback):
    """Keeps a checkpoint of the end of an epoch."""

    def __init__(self, epoch: int, file: Path) -> None:
        self.epoch, self.file = epoch, file

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            trainer.save_checkpoint(self.file)


def fit(
    stage: Stage, epochs: int, resume: Path | None = None, callbacks: Sequence[pl.Callback] = ()
) -> None:
    """Trains one step an epoch on the CPU."""
    trainer = pl.Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = torch.utils.data.DataLoader(Repeated(scans(), 1), batch_size=None)
    trainer.fit(stage, loader, ckpt_path=resume, weights_only=True)


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("name", OWN_FILE)
def test_every_trained_parameter_moves_and_the_loss_falls(name: str) -> None:
    stage = build(name, views=ViewConfig(noise=0.0))
    before = {key: value.clone() for key, value in stage.named_parameters()}
    losses: list[float] = []
    original = stage.loss

    def watched(batch: dict[str, Tensor]) -> Tensor:
        found = original(batch)
        losses.append(float(found.detach()))
        return found

    stage.loss = watched  # type: ignore[method-assign]
    torch.manual_seed(0)
    fit(stage, 30)
    assert len(losses) == 30
    assert sum(losses[-5:]) < sum(losses[:5]), losses
    for key, parameter in stage.named_parameters():
        if parameter.requires_grad:
            assert not torch.equal(parameter, before[key]), f"{key} was not trained"
        elif not key.startswith("teacher"):
            assert torch.equal(parameter, before[key]), f"{key} moved"


@pytest.mark.parametrize("name", OWN_FILE)
def test_a_method_resumes_bitwise(name: str, tmp_path: Path) -> None:
    half = tmp_path / "half.ckpt"
    whole, resumed = (build(name, epochs=4) for _ in range(2))
    fit(whole, 4, callbacks=[KeepAt(1, half)])
    fit(resumed, 4, resume=half)
    expected = state(whole)
    for key, value in state(resumed).items():
        assert torch.equal(value, expected[key]), key


@pytest.mark.parametrize("name", OWN_FILE)
def test_a_stage_begins_alike_whatever_was_drawn_before(name: str) -> None:
    torch.manual_seed(1)
    one = build(name)
    before = copy.deepcopy(torch.get_rng_state())
    torch.rand(5)
    other = build(name)
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )
    torch.set_rng_state(before)
    build(name)
    assert torch.equal(torch.get_rng_state(), before), "the global random state was changed"


@pytest.mark.parametrize("name", OWN_FILE)
def test_a_loss_is_finite_under_mixed_precision(name: str) -> None:
    stage = build(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = stage.loss(scans())
    assert loss.isfinite()
    loss.backward()


@pytest.mark.parametrize("name", ["rotation", "jigsaw", "restoration", "masked"])
def test_two_processes_draw_as_one_would(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch statistics apart, a loss that is a mean over scans is the mean of its halves."""
    stage = build(name).eval()
    whole, batch = stage.loss(scans()), scans()
    parts = []
    for rank in range(2):
        monkeypatch.setattr(MethodStage, "share", Share(rank, 2))
        parts.append(stage.loss({key: value.chunk(2)[rank] for key, value in batch.items()}))
    torch.testing.assert_close(sum(parts) / 2, whole)
    assert parts[0] != parts[1]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_names_its_paper_what_it_assumes_and_its_passes(name: str) -> None:
    method = LungSSL.chosen({"method": name})
    assert method.paper.startswith("https://")
    assert method.assumes
    assert method.passes[0] >= 1
    config = method.settings(part=3, task="lung_ssl", epochs=1, method=name)
    assert replace(config).method == name
