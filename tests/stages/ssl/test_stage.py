"""The LightningModule of the one-file methods: float32, collapse, and methods from outside."""

from collections.abc import Callable

import pytest
import torch
from methods import OWN_FILE, build, fit, move_teacher, show_these_views, two_views
from torch import Tensor, nn

from matl.stages.check import check_task

FROM_PROJECTIONS = [name for name in OWN_FILE if "projection" in build(name).heads]


def without_rounding(network: nn.Module) -> None:
    """Makes a network compute in float32 whatever the precision around it."""
    forward: Callable[[Tensor], object] = network.forward

    def exact(images: Tensor) -> object:
        with torch.autocast("cpu", enabled=False):
            return forward(images)

    network.forward = exact  # type: ignore[method-assign]


@pytest.mark.parametrize("name", FROM_PROJECTIONS)
def test_heads_and_losses_are_not_rounded_by_mixed_precision(name: str) -> None:
    found = []
    for mixed in (False, True):
        stage = show_these_views(build(name))
        without_rounding(stage.backbone)
        if stage.teacher:
            move_teacher(stage)
            without_rounding(stage.teacher["backbone"])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            stage.loss(two_views(seed=5))
            found.append(stage.loss(two_views()))
    assert torch.equal(*found)


def test_a_method_from_outside_is_one_class_with_heads_and_a_loss() -> None:
    stage = build("methods:Brightness")
    check_task(stage.method, stage.config)
    assert "methods" in stage.method.versions(stage.config)["source"]
    before = stage.heads["mean"].weight.clone()
    fit(stage, epochs=1)
    assert not torch.equal(stage.heads["mean"].weight, before)
    assert not stage.teacher
