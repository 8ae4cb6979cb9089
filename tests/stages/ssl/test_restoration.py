"""Restoring a view that was distorted."""

import pytest
import torch
from methods import build, scans
from torch import Tensor

from matl.stages.base import Stage
from matl.stages.ssl.restoration import Restoration


def restores_grey(**settings: float) -> Stage:
    """A stage whose decoder says 0.5 of every pixel."""
    stage = build("restoration", **settings)
    pixels = stage.heads["decoder"].pixels
    torch.nn.init.zeros_(pixels.weight)
    torch.nn.init.zeros_(pixels.bias)
    return stage


def view_of(stage: Stage) -> Tensor:
    return stage.views(scans(), count=1)[0]


def test_the_loss_is_the_squared_error_of_the_undistorted_view() -> None:
    stage = restores_grey()
    view = view_of(stage)
    error = (view - 0.5).square().mean()
    torch.testing.assert_close(stage.loss(scans()), error)
    before = (Restoration.distort(stage, view) - view).square().mean()
    total, images = stage._recorded["restoration/removed"]
    torch.testing.assert_close(total / images, 1 - error / before)


@pytest.mark.parametrize(
    ("on", "share"), [("shuffle", 0.5), ("bend", 0.9), ("paint", 0.9), ("none", 0.0)]
)
def test_each_distortion_has_the_papers_probability(on: str, share: float) -> None:
    off = {name: 0.0 for name in ("shuffle", "bend", "paint") if name != on}
    stage, changed = build("restoration", **off), 0
    for step in range(40):
        stage._batch_index = step
        view = view_of(stage)
        changed += int((Restoration.distort(stage, view) != view).flatten(1).any(1).sum())
    assert changed / (40 * 16) == pytest.approx(share, abs=0.05)


def test_the_network_sees_the_distorted_view_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = build("restoration", paint=1.0, outside=1.0)
    seen: list[Tensor] = []
    stage.backbone.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    stage.loss(scans())
    view = view_of(stage)
    assert (seen[0] != view).float().mean() > 0.3
    assert torch.equal(seen[0], Restoration.distort(stage, view))
