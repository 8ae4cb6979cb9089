"""The LightningModule of a multi-class diagnosis."""

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

from matl.backbones import BackboneConfig, build_backbone
from matl.stages.diagnosis.multi_class import MultiClassStage
from matl.stages.diagnosis.task import DiagnosisConfig


def make_stage(**settings: object) -> MultiClassStage:
    backbone = build_backbone(BackboneConfig("resnet10t", "none"), seed=0)
    config = DiagnosisConfig(part=3, task="diagnosis", epochs=1, **settings)
    return MultiClassStage(backbone, config, 0, counts=[6, 3, 1])


def test_scores_of_an_image_add_up_to_one() -> None:
    images = torch.randint(0, 256, (4, 1, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        scores = make_stage().eval().scores({"image": images})
    assert scores.shape == (4, 3)
    torch.testing.assert_close(scores.sum(1), torch.ones(4))


def test_balanced_classes_weigh_alike_in_the_loss() -> None:
    """Over the training images every class has the same weight in all, as in scikit-learn."""
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    logits = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    losses = F.cross_entropy(logits, labels, reduction="none")
    expected = torch.stack([losses[labels == one].mean() for one in range(3)]).mean()
    torch.testing.assert_close(make_stage()._criterion(logits, labels), expected)
    plain = make_stage(class_weights="none")._criterion(logits, labels)
    torch.testing.assert_close(plain, losses.mean())


@pytest.mark.parametrize("rows", [3, 6])
def test_the_validation_is_scikit_learns_macro_auroc(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage()
    monkeypatch.setattr(stage, "log", lambda *_, **__: None)
    logits = torch.randn(12, 3, generator=torch.Generator().manual_seed(1))
    label = torch.arange(12) % 3
    for given, expected in zip(logits.split(rows), label.split(rows), strict=True):
        monkeypatch.setattr(stage, "forward", lambda images, given=given: given)
        images = torch.zeros(rows, 1, 32, 32, dtype=torch.uint8)
        stage.validation_step({"image": images, "label": expected}, 0)
    expected = roc_auc_score(label, logits.double().softmax(1), multi_class="ovr")
    assert float(stage.auroc.compute()) == pytest.approx(expected)
