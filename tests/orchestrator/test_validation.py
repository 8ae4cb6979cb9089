"""How often a stage looks at its validation images, and what its curves then hold."""

from pathlib import Path

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from data_modules.samples import Samples
from matl.orchestrator.callbacks import CurveRecorder
from matl.orchestrator.validation import Validation, validation_interval


def samples(train: int, val: int) -> Samples:
    splits = ["train"] * train + ["val"] * val + ["test"] * 3
    names = [f"{number}.png" for number in range(len(splits))]
    columns = {"path": names, "label": "a", "patient": names, "split": splits}
    table = pd.DataFrame({**columns, "study": "", "source": "here"})
    return Samples(Path(), table, ("a",), None)


@pytest.mark.parametrize(
    ("train", "val", "interval"), [(425, 118, 1), (136, 192, 5), (1000, 0, 1), (10, 30, 10)]
)
def test_validation_costs_a_tenth_of_the_training_at_most(train, val, interval):
    assert validation_interval(samples(train, val)) == interval


class Line(pl.LightningModule):
    """One weight, whose value is logged as it is validated."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def training_step(self, batch, batch_idx):
        self.log("loss", self.weight, on_step=False, on_epoch=True)
        return self.weight

    def validation_step(self, batch, batch_idx):
        self.log("val/weight", self.weight)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.125)


class Batches(pl.LightningDataModule):
    def train_dataloader(self):
        return torch.utils.data.DataLoader([{"image": torch.zeros(2)}] * 2, batch_size=None)

    val_dataloader = train_dataloader


def fit(folder, epochs: int, interval: int, checkpoint=None) -> pd.DataFrame:
    recorder = CurveRecorder(folder / "curves.csv")
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[Validation(interval), recorder],
    )  # fmt: skip
    trainer.fit(Line(), Batches(), ckpt_path=checkpoint, weights_only=True)
    trainer.save_checkpoint(folder / f"{epochs}.ckpt")
    return pd.read_csv(folder / "curves.csv").set_index("epoch")


def test_curves_hold_the_validations_of_the_first_last_and_each_interval(tmp_path):
    curves = fit(tmp_path, epochs=8, interval=3)
    assert curves["loss"].notna().all()
    validated = curves["val/weight"].dropna()
    assert list(validated.index) == [1, 3, 6, 8]
    assert list(validated) == [1 - 0.25 * epoch for epoch in validated.index]


def test_a_resumed_stage_validates_in_the_same_epochs(tmp_path):
    fit(tmp_path, epochs=4, interval=3)
    curves = fit(tmp_path, epochs=8, interval=3, checkpoint=tmp_path / "4.ckpt")
    assert list(curves["val/weight"].dropna().index) == [1, 3, 4, 6, 8]
