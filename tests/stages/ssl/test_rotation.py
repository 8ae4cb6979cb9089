"""The turn of a view."""

import math

import pytest
import torch
from methods import build, scans
from torch.nn import functional as F

from matl.errors import SettingError
from matl.stages.ssl.rotation import Rotation, RotationConfig
from matl.views import ViewConfig

STILL = ViewConfig([1.0, 1.0], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def settings(**changed: object) -> RotationConfig:
    return RotationConfig(**{"part": 3, "task": "lung_ssl", "epochs": 1, **changed})


def test_the_loss_is_that_of_each_view_in_each_turn() -> None:
    stage, batch = build("rotation", views=STILL).eval(), scans(2)
    losses = [
        F.cross_entropy(
            stage.heads["turn"](stage.features(view.rot90(turn, (2, 3)))), torch.tensor([turn])
        )
        for view in stage.plain_view(batch).split(1)
        for turn in range(4)
    ]
    torch.testing.assert_close(stage.loss(batch), torch.stack(losses).mean())


def test_a_head_that_knows_nothing_is_at_chance() -> None:
    stage = build("rotation")
    torch.nn.init.zeros_(stage.heads["turn"].weight)
    torch.nn.init.zeros_(stage.heads["turn"].bias)
    assert stage.loss(scans()).item() == pytest.approx(math.log(4))
    total, images = stage._recorded["rotation/accuracy"]
    assert total / images == Rotation.references["rotation/accuracy"]["chance"]


def test_views_whose_shape_or_rotation_tells_the_turn_are_refused() -> None:
    with pytest.raises(SettingError, match=r"size: \[96, 128\] is no square.*write size: 128"):
        Rotation.check_settings(settings(size=[96, 128]), (32,))
    with pytest.raises(SettingError, match=r"views.rotate: 45 degrees.*less than 45"):
        Rotation.check_settings(settings(views=ViewConfig(rotate=45)), (32,))
    Rotation.check_settings(settings(size=[96, 96], views=ViewConfig(rotate=44)), (32,))
