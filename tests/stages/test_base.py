"""What every stage of the chain shares."""

from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from matl.backbones import BackboneConfig, build_backbone
from matl.stages.base import attached_trainer, class_weights
from matl.stages.diagnosis.stage import DiagnosisStage
from matl.stages.diagnosis.task import DiagnosisConfig


def diagnosis(**settings: object) -> DiagnosisStage:
    backbone = build_backbone(BackboneConfig("resnet10t", "none"), seed=0)
    config = DiagnosisConfig(part=3, task="diagnosis", epochs=2, **settings)
    return DiagnosisStage(backbone, config, 0, positives=4, negatives=4)


def as_batch(rows: list[tuple[torch.Tensor, ...]]) -> dict[str, torch.Tensor]:
    """The documented batch, from any data set."""
    image, label, index = (torch.stack(column) for column in zip(*rows, strict=True))
    return {"image": image, "label": label, "index": index, "group": index}


def test_it_trains_under_a_plain_trainer_with_any_loader(tmp_path: Path) -> None:
    images = torch.randint(0, 256, (8, 1, 32, 32), dtype=torch.uint8)
    data = TensorDataset(images, torch.arange(8) % 2, torch.arange(8))
    loader = DataLoader(data, batch_size=4, collate_fn=as_batch)
    stage = diagnosis(warmup=0.5)
    before = [weight.clone() for weight in stage.heads.parameters()]
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(stage, loader)
    after = list(stage.heads.parameters())
    assert not any(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-9)


def test_a_stage_knows_whether_it_has_a_trainer() -> None:
    """Lightning keeps it under a private name: this fails when an upgrade renames it."""
    stage = diagnosis()
    assert attached_trainer(stage) is None
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    stage.trainer = trainer
    assert attached_trainer(stage) is trainer


def test_class_weights_balance_the_training_images() -> None:
    assert class_weights([1, 3], 4, multi_label=False).tolist() == pytest.approx([2.0, 2 / 3])
    assert class_weights([1, 3], 4, multi_label=True).tolist() == pytest.approx([3.0, 1 / 3])
