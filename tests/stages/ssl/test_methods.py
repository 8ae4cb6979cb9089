"""Every method learns, moves what it trains, resumes bitwise, and is listed with its paper."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from methods import OWN_FILE, build, fit, scans, state
from torch import Tensor, nn

from matl.backbones import AttentiveBackbone
from matl.stages.ssl.stage import MethodStage
from matl.stages.ssl.task import METHODS, LungSSL
from matl.views import Share, ViewConfig

STEADY = {"dino": {"momentum": 1.0, "centre_momentum": 1.0, "temperature_warmup": 0.0}}
"""Losses are compared over time, so that targets must not change their scale."""


class KeepAt(pl.Callback):
    """Keeps a checkpoint of the end of an epoch."""

    def __init__(self, epoch: int, file: Path) -> None:
        self.epoch, self.file = epoch, file

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            trainer.save_checkpoint(self.file)


@pytest.mark.parametrize("name", OWN_FILE)
def test_every_trained_parameter_moves_and_the_loss_falls(name: str) -> None:
    settings = {"lr": 1e-3, "views": ViewConfig(noise=0.0)} | STEADY.get(name, {})
    stage = build(name, **settings)
    before = {key: value.clone() for key, value in stage.named_parameters()}
    losses: list[float] = []
    original = stage.loss

    def watched(batch: dict[str, Tensor]) -> Tensor:
        found = original(batch)
        losses.append(float(found.detach()))
        return found

    stage.loss = watched  # type: ignore[method-assign]
    torch.manual_seed(0)
    trainer = fit(stage, epochs=6, steps=4)
    assert len(losses) == 24
    assert sum(losses[-4:]) < sum(losses[1:5]), losses
    for key, parameter in stage.named_parameters():
        if parameter.requires_grad:
            assert not torch.equal(parameter, before[key]), f"{key} was not trained"
        elif not key.startswith("teacher"):
            assert torch.equal(parameter, before[key]), f"{key} moved"
    for metric in stage.method.metric_names:
        assert trainer.callback_metrics[metric].isfinite(), metric


@pytest.mark.parametrize("name", OWN_FILE)
def test_a_method_resumes_bitwise(name: str, tmp_path: Path) -> None:
    half = tmp_path / "half.ckpt"
    whole, resumed = (build(name, epochs=4) for _ in range(2))
    fit(whole, 4, steps=2, callbacks=[KeepAt(1, half)])
    torch.manual_seed(5)
    fit(resumed, 4, steps=2, resume=half)
    expected = state(whole)
    assert set(expected) == set(state(resumed))
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
def test_a_loss_is_float32_under_mixed_precision(name: str) -> None:
    batch, mixed, exact = scans(), build(name), build(name)
    for stage in (mixed, exact):
        stage.loss(batch)  # fills the queues
    expected = exact.loss(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = mixed.loss(batch)
    assert loss.dtype == torch.float32
    assert loss.shape == ()
    torch.testing.assert_close(loss, expected, rtol=0.1, atol=0.1)
    loss.backward()
    assert all(
        parameter.grad.isfinite().all()
        for parameter in mixed.parameters()
        if parameter.grad is not None
    )


def first_module(backbone: AttentiveBackbone) -> nn.Module:
    """What the images of a pass come to first."""
    return backbone.network.get_submodule(backbone.network.steps[0][0])


@pytest.mark.parametrize("name", OWN_FILE)
def test_the_passes_that_a_method_names_are_those_that_it_takes(name: str) -> None:
    stage, batch = build(name), scans()
    networks = [stage.backbone, *([stage.teacher["backbone"]] if stage.teacher else [])]
    seen = {id(first_module(network)): 0 for network in networks}

    def count(module: nn.Module, images: tuple[Tensor]) -> None:
        if id(module) in seen:
            seen[id(module)] += images[0].numel()

    with nn.modules.module.register_module_forward_pre_hook(count):
        stage.loss(batch)
    view = stage.plain_view(batch).numel()  # the tiles of a jigsaw leave some of it out
    found = tuple(math.ceil(pixels / view) for pixels in (*seen.values(), 0)[:2])
    assert found == stage.method.passes


@pytest.mark.parametrize("name", [name for name in OWN_FILE if build(name).teacher])
def test_a_teacher_keeps_its_share_at_every_step(name: str) -> None:
    stage = build(name, lr=1e-2)
    expected = state(stage.teacher)

    class Follow(pl.Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            share = stage.method.keep(stage.config, trainer.global_step - 1, 6)
            for key, _ in stage.teacher.named_parameters():
                part, _, rest = key.partition(".")
                followed = stage.backbone if part == "backbone" else stage.heads[part]
                value = followed.get_parameter(rest).detach()
                expected[key] = share * expected[key] + (1 - share) * value

    fit(stage, epochs=3, steps=2, callbacks=[Follow()])
    for key, parameter in stage.teacher.named_parameters():
        torch.testing.assert_close(parameter, expected[key], rtol=1e-5, atol=1e-7)
        assert not parameter.requires_grad


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
