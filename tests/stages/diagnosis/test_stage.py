"""The task `diagnosis`: what its validation shows."""

import pytest
import torch

from matl.backbones import BackboneConfig, build_backbone
from matl.stages.diagnosis.stage import DiagnosisStage
from matl.stages.diagnosis.task import DiagnosisConfig


@pytest.mark.parametrize("rows", [2, 4])
def test_the_validation_ranks_logits_of_every_size_alike(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second batch is within [0, 1], where torchmetrics would take logits for probabilities."""
    backbone = build_backbone(BackboneConfig("resnet10t", "none"), seed=0)
    config = DiagnosisConfig(part=3, task="diagnosis", epochs=1)
    stage = DiagnosisStage(backbone, config, 0, positives=1, negatives=1)
    monkeypatch.setattr(stage, "log", lambda *_, **__: None)
    logits = torch.tensor([-2.0, 0.6, 0.2, 0.9])
    label = torch.tensor([0, 1, 0, 1])
    for given, expected in zip(logits.split(rows), label.split(rows), strict=True):
        monkeypatch.setattr(stage, "forward", lambda images, given=given: given)
        images = torch.zeros(rows, 1, 32, 32, dtype=torch.uint8)
        stage.validation_step({"image": images, "label": expected}, 0)
    assert stage.auroc.compute() == 1.0
