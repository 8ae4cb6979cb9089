"""DINO's loss, centre, temperature and frozen layer against slow references."""

import pytest
import torch
from methods import Later, build, move_teacher, show_these_views, two_views

from matl.errors import SettingError
from matl.stages.ssl.dino import DINO, DINOConfig
from matl.stages.ssl.stage import MethodStage


def slow_loss(
    stage: MethodStage, batch: dict[str, torch.Tensor], centre: torch.Tensor, divisor: float
) -> tuple[float, torch.Tensor]:
    """The loss in float64, and the mean of the teacher's outputs."""
    losses, targets = [], []
    with torch.no_grad():
        for one, other in (("first", "second"), ("second", "first")):
            outputs = stage.project(batch[one]).double()
            for output, target in zip(outputs, stage.teach(batch[other]).double(), strict=True):
                wanted = ((target - centre) / divisor).softmax(0)
                losses.append(-(wanted * (output / DINOConfig.temperature).log_softmax(0)).sum())
                targets.append(target)
    return torch.stack(losses).mean().item(), torch.stack(targets).mean(0)


def test_the_student_predicts_the_centred_and_sharpened_teacher() -> None:
    stage, batch = show_these_views(build("dino", epochs=100)), two_views()
    move_teacher(stage)
    centre = torch.zeros(64, dtype=torch.float64)
    for _ in range(3):
        expected, seen = slow_loss(stage, batch, centre, divisor=0.04)
        assert stage.loss(batch).item() == pytest.approx(expected, rel=1e-4)
        centre = 0.9 * centre + 0.1 * seen
        found = stage.heads["loss"].center.flatten().double()
        torch.testing.assert_close(found, centre, rtol=1e-4, atol=1e-6)


def test_the_temperature_rises_over_its_share_of_the_epochs() -> None:
    config = build("dino", epochs=300).config
    for epoch, expected in ((0, 0.04), (15, 0.055), (30, 0.07), (299, 0.07)):
        assert DINO.teacher_temperature(config, epoch) == pytest.approx(expected)


def test_a_temperature_that_would_fall_is_refused() -> None:
    config = DINOConfig(part=3, task="lung_ssl", epochs=1, teacher_temperature=0.03)
    with pytest.raises(SettingError, match=r"first_temperature: .*0\.04 is above"):
        DINO.check_settings(config, [32])


@pytest.mark.parametrize(("kind", "trained"), [(MethodStage, False), (Later, True)])
def test_the_last_layer_is_frozen_at_first(kind: type[MethodStage], trained: bool) -> None:
    stage = build("dino", kind=kind)
    stage.loss(two_views()).backward()
    last = stage.heads["projection"].last_layer
    assert (last.weight_v.grad is not None) == trained
    assert not last.weight_g.requires_grad
