"""The data module gives Lightning what it wants."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image

from data_modules.cache import ImageCache, build_cache
from data_modules.errors import DataError
from data_modules.module import ImageDataModule
from data_modules.samples import Samples

SPLITS = ["train"] * 10 + ["val"] * 3 + ["test"] * 5


@pytest.fixture
def data(tmp_path: Path) -> tuple[Samples, ImageCache]:
    names = [f"{number}.png" for number in range(len(SPLITS))]
    (tmp_path / "data").mkdir()
    for number, name in enumerate(names):
        Image.new("L", (6, 6), number).save(tmp_path / "data" / name)
    patients = [f"{split}{row // 2}" for row, split in enumerate(SPLITS)]
    columns = {"path": names, "label": ["a", "b"] * 9, "patient": patients, "split": SPLITS}
    table = pd.DataFrame(columns).assign(study="", source="toy")
    samples = Samples(tmp_path / "data", table, classes=("a", "b"))
    return build_cache(samples, (4, 5), 1, tmp_path / "cache", fit="stretch")


def make_module(data: tuple[Samples, ImageCache], **options) -> ImageDataModule:
    return ImageDataModule(*data, **{"batch_size": 4, "seed": 0, "task": "source", **options})


def rows(loader) -> list[int]:
    return [row for batch in loader for row in batch["index"].tolist()]


def without(data: tuple[Samples, ImageCache], split: str, to: str) -> tuple[Samples, ImageCache]:
    samples, cache = data
    table = samples.table.assign(split=samples.table["split"].replace(split, to))
    return Samples(samples.root, table, classes=samples.classes), cache


def test_a_batch_holds_images_labels_patients_and_derived_arrays(data):
    samples, cache = data
    regions = cache.derived("regions", 1, lambda image: image[0] // 2)
    module = make_module(data, derived={"regions": regions})
    for batch in module.train_dataloader():
        index = batch["index"].numpy()
        assert set(batch) == {"image", "extent", "label", "group", "index", "regions"}
        assert batch["image"].dtype == batch["regions"].dtype == torch.uint8
        assert batch["image"].shape == (len(index), 1, 4, 5)
        assert batch["regions"].shape == (len(index), 4, 5)
        assert batch["extent"].tolist() == [[4, 5]] * len(index)
        np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], index)
        np.testing.assert_array_equal(batch["label"], samples.targets()[index])
        np.testing.assert_array_equal(batch["group"], samples.groups()[index])


def test_each_loader_sees_its_own_split(data):
    module = make_module(data)
    assert sorted(rows(module.train_dataloader())) == list(range(10))
    assert rows(module.val_dataloader()) == [10, 11, 12]
    assert rows(module.eval_loader("test")) == [13, 14, 15, 16, 17]
    with pytest.raises(ValueError, match="tset"):
        module.eval_loader("tset")


def test_train_splits_and_batch_sizes(data):
    module = make_module(data, train_splits=("train", "val"), batch_size=8, eval_batch_size=2)
    assert sorted(rows(module.train_dataloader())) == list(range(13))
    assert [len(batch["index"]) for batch in module.train_dataloader()] == [8, 5]
    assert [len(batch["index"]) for batch in module.eval_loader("test")] == [2, 2, 1]
    assert len(make_module(data, batch_size=8, drop_last=True).train_dataloader()) == 1


def test_processes_share_training_but_each_evaluates_all(data):
    modules = [make_module(data, rank=rank, world_size=2) for rank in range(2)]
    parts = [rows(module.train_dataloader()) for module in modules]
    assert sorted(parts[0] + parts[1]) == list(range(10))
    assert rows(modules[1].val_dataloader()) == [10, 11, 12]


def test_several_labels_an_image(data):
    samples, cache = data
    table = samples.table.assign(label=["a|b", ""] * 9)
    several = Samples(samples.root, table, classes=("a", "b"), multi_label=True)
    batch = next(iter(make_module((several, cache)).eval_loader("test")))
    assert batch["label"].dtype == torch.float32
    assert batch["label"].tolist() == [[-1, -1], [1, 1], [-1, -1], [1, 1]]


def test_too_few_training_images_are_an_error(data):
    with pytest.raises(DataError, match="10 training images do not fill a batch of 16"):
        make_module(data, batch_size=16, drop_last=True).train_dataloader()
    with pytest.raises(DataError, match="0 training images"):
        make_module(without(data, "train", "test")).train_dataloader()


def test_arrays_of_another_length_are_refused(data):
    with pytest.raises(ValueError, match="differ in length"):
        make_module(data, derived={"regions": np.zeros((3, 4, 5), np.uint8)})


class Counter(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.trained: list[int] = []
        self.validated: list[int] = []

    def training_step(self, batch, batch_idx):
        self.trained += batch["index"].tolist()
        return self.weight * batch["image"].float().mean()

    def validation_step(self, batch, batch_idx):
        self.validated += batch["index"].tolist()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("with_val", [True, False])
def test_lightning_trains_and_validates_with_it(data, with_val: bool):
    model = Counter()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(model, make_module(data if with_val else without(data, "val", "test")))
    first, second = model.trained[:10], model.trained[10:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert model.validated == ([10, 11, 12] * 2 if with_val else [])
