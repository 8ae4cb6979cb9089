import pytest
import torch
from torch import Tensor, nn

from matl.backbones import BackboneConfig, build_backbone
from matl.explain.grad_cam import grad_cam_maps
from matl.stages.diagnosis.stage import DiagnosisStage
from matl.stages.diagnosis.task import DiagnosisConfig

LAST = {
    "attention": "backbone.operators.32",
    "convolution": "backbone.operators.32",
    "none": "backbone.network.layer4",
}


def diagnosis(operator: str, channels: int = 1, freeze: str = "none") -> DiagnosisStage:
    settings = BackboneConfig("resnet10t", operator, at_strides=[32], in_channels=channels)
    config = DiagnosisConfig(part=3, task="diagnosis", epochs=1, freeze=freeze)
    backbone = build_backbone(settings, seed=0)
    stage = DiagnosisStage(backbone, config, 0, positives=1, negatives=1).eval()
    with torch.no_grad():
        stage.heads["positive"].weight.neg_()  # as drawn, no place speaks for the class
    return stage


def images(count: int = 3, channels: int = 1, size: tuple[int, int] = (70, 101)) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, channels, *size, generator=generator)


def expected(stage: DiagnosisStage, pixels: Tensor) -> Tensor:
    """A mean and a linear classifier behind the map: the mean gradients are weight / places."""
    with torch.no_grad():
        last = stage.backbone(pixels)[32]
        weights = stage.heads["positive"].weight[0] / last[0, 0].numel()
        return torch.einsum("c,bchw->bhw", weights, last).relu()


@pytest.mark.parametrize("operator", LAST)
@pytest.mark.parametrize("channels", [1, 3])
def test_maps_are_the_weighted_sum_of_the_last_map(operator: str, channels: int) -> None:
    stage, pixels = diagnosis(operator, channels), images(channels=channels)
    [maps] = grad_cam_maps(stage, LAST[operator], [pixels])
    assert maps.shape == (3, 3, 4)
    assert maps.amax() > 0
    torch.testing.assert_close(maps, expected(stage, pixels))


def test_batches_do_not_matter() -> None:
    stage, pixels = diagnosis("attention"), images(4)
    [whole] = grad_cam_maps(stage, LAST["attention"], [pixels])
    parts = list(grad_cam_maps(stage, LAST["attention"], pixels.split([1, 3])))
    torch.testing.assert_close(torch.cat(parts), whole)


def test_a_frozen_network_is_explained_too() -> None:
    frozen, free = diagnosis("none", freeze="all"), diagnosis("none")
    maps = [next(grad_cam_maps(one, LAST["none"], [images()])) for one in (frozen, free)]
    torch.testing.assert_close(*maps)


def test_what_speaks_against_the_class_is_zero() -> None:
    stage = diagnosis("none")
    nn.init.constant_(stage.heads["positive"].weight, -1.0)
    [maps] = grad_cam_maps(stage, LAST["none"], [images()])
    assert torch.equal(maps, torch.zeros_like(maps))


def test_the_diagnosis_is_left_as_it_was() -> None:
    stage = diagnosis("attention").train()
    list(grad_cam_maps(stage, LAST["attention"], [images()]))
    assert stage.training
    assert all(parameter.grad is None for parameter in stage.parameters())
    assert not any(m._forward_hooks or m._backward_hooks for m in stage.modules())
