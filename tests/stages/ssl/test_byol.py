"""BYOL's loss and momentum against slow references."""

import math

import pytest
import torch
import torch.nn.functional as F
from methods import build, move_teacher, show_these_views, two_views
from slow_losses import mean

from matl.stages.ssl.byol import BYOL


def test_the_loss_is_the_squared_distance_of_unit_vectors_in_both_directions() -> None:
    stage, batch = show_these_views(build("byol")), two_views()
    move_teacher(stage)
    expected = []
    with torch.no_grad():
        for one, other in (("first", "second"), ("second", "first")):
            predicted = stage.heads["prediction"](stage.project(batch[one]))
            for vector, target in zip(predicted, stage.teach(batch[other]), strict=True):
                gap = F.normalize(vector, dim=0) - F.normalize(target, dim=0)
                expected.append(2 * gap.square().sum().item())
    assert stage.loss(batch).item() == pytest.approx(mean(expected), rel=1e-5)


def test_the_momentum_rises_to_one_by_a_cosine() -> None:
    config, steps = build("byol").config, 101
    for step in (0, 25, 50, 100):
        expected = 1 - (1 - 0.996) * (math.cos(math.pi * step / 100) + 1) / 2
        assert BYOL.keep(config, step, steps) == pytest.approx(expected)
