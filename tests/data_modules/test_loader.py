"""Batches: their order, their division over processes, and their exact continuation."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from data_modules.errors import DataError
from data_modules.loader import BatchLoader
from data_modules.ragged import Ragged

ROWS = 22
ARRAYS = {
    "image": np.random.default_rng(0).integers(0, 256, (ROWS, 1, 3, 4), dtype=np.uint8),
    "label": np.arange(ROWS) % 2,
    "regions": np.arange(ROWS * 2, dtype=np.uint8).reshape(ROWS, 2),
}


def loader(rows: int = ROWS, **options) -> BatchLoader:
    defaults = {"batch_size": 4, "shuffle": True, "seed": 1, "task": "source"}
    return BatchLoader(ARRAYS, np.arange(rows), **{**defaults, **options})


def indices(batches: BatchLoader, epoch: int = 0) -> list[list[int]]:
    batches.sampler.set_epoch(epoch)
    return [batch["index"].tolist() for batch in batches]


def test_a_batch_holds_the_rows_of_every_array():
    rows = np.array([20, 3, 4, 9, 1])
    batches = list(BatchLoader(ARRAYS, rows, batch_size=3))
    assert [batch["index"].tolist() for batch in batches] == [[20, 3, 4], [9, 1]]
    for batch in batches:
        assert set(batch) == {"image", "label", "regions", "index"}
        assert batch["index"].dtype == torch.int64
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(batch[name], array[batch["index"]])
            assert batch[name].numpy().dtype == array.dtype


def test_ragged_arrays_are_padded_to_the_largest_of_a_batch():
    arrays = [np.full((1, 2 + row % 3, 5 - row % 2), row + 1, dtype=np.uint8) for row in range(6)]
    batches = BatchLoader({"image": Ragged.of(arrays)}, np.arange(6), batch_size=2)
    shapes = [tuple(batch["image"].shape) for batch in batches]
    assert shapes == [(2, 1, 3, 5), (2, 1, 4, 5), (2, 1, 4, 5)]
    for batch in batches:
        for image, row in zip(batch["image"].numpy(), batch["index"].tolist(), strict=True):
            _, height, width = arrays[row].shape
            np.testing.assert_array_equal(image[:, :height, :width], arrays[row])
            assert image.sum() == arrays[row].sum(), "zeros beyond it"


def test_a_batch_does_not_share_memory_with_the_arrays():
    batch = next(iter(loader(shuffle=False)))
    batch["image"].zero_()
    batch["index"].zero_()
    assert ARRAYS["image"][:4].any()
    assert indices(loader(shuffle=False))[0] == [0, 1, 2, 3]


def test_order_is_a_function_of_seed_task_and_epoch():
    assert indices(loader(), 3) == indices(loader(), 3)
    variants = [
        indices(loader(), 0),
        indices(loader(), 1),
        indices(loader(seed=2), 0),
        indices(loader(task="diagnosis"), 0),
        indices(loader(shuffle=False), 0),
    ]
    assert len({str(variant) for variant in variants}) == len(variants)
    used = loader()
    indices(used, 0)
    assert indices(used, 1) == variants[1], "what was iterated before does not matter"


def test_the_order_is_the_same_on_every_machine():
    assert indices(loader(rows=8, batch_size=8))[0] == [7, 6, 5, 3, 0, 2, 1, 4]


@given(
    rows=st.integers(0, ROWS),
    share=st.integers(1, 6),
    world_size=st.integers(1, 4),
    drop_last=st.booleans(),
    shuffle=st.booleans(),
)
def test_processes_divide_each_global_batch_evenly(rows, share, world_size, drop_last, shuffle):
    options = {"rows": rows, "batch_size": share * world_size, "shuffle": shuffle}
    options |= {"drop_last": drop_last}
    ranks = [loader(rank=rank, world_size=world_size, **options) for rank in range(world_size)]
    parts = [indices(rank) for rank in ranks]
    assert {len(part) for part in parts} == {len(ranks[0])}
    divided = [list(chain.from_iterable(batch)) for batch in zip(*parts, strict=True)]
    whole = indices(loader(**options))
    for together, alone in zip(divided, whole, strict=False):
        assert together == alone[: len(alone) // world_size * world_size]
    assert all(len({len(part) for part in batch}) == 1 for batch in zip(*parts, strict=True))
    lost = rows - sum(map(len, divided))
    assert lost < (options["batch_size"] if drop_last else world_size)


def test_evaluation_on_one_process_sees_every_row_once():
    assert [*chain.from_iterable(indices(loader(shuffle=False, batch_size=5)))] == list(range(ROWS))


def test_a_batch_size_that_cannot_be_divided_is_an_error():
    with pytest.raises(DataError, match="multiple of 3"):
        loader(batch_size=4, world_size=3)


@pytest.mark.parametrize("done", range(7))
def test_state_continues_in_the_same_epoch_and_begins_in_another(done: int):
    first = loader()
    first.sampler.set_epoch(5)
    seen = [batch["index"].tolist() for _, batch in zip(range(done), first, strict=False)]
    state = first.state_dict()
    for epoch in (5, 6):
        second = loader()
        second.load_state_dict(state)
        expected = indices(loader(), epoch)
        assert indices(second, epoch) == (expected[len(seen) :] if epoch == 5 else expected)
        assert indices(second, epoch) == expected, "only the first iteration continues"


def test_state_of_another_number_of_batches_is_refused():
    with pytest.raises(ValueError, match="6 batches"):
        loader(batch_size=8).load_state_dict(loader().state_dict())


class Interrupted(Exception):
    pass


class Regression(pl.LightningModule):
    """Draws its noise from (epoch, batch), as a stage does, and notes what it sees."""

    def __init__(self, stop_at: tuple[int, int] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(12, 1)
        self.stop_at = stop_at
        self.seen: list[tuple[int, int, int, list[int]]] = []
        self.validated: list[int] = []

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        place = (self.current_epoch, batch_idx)
        self.seen.append((*place, self.global_step, batch["index"].tolist()))
        if place == self.stop_at:
            raise Interrupted
        noise = torch.Generator().manual_seed(1000 * place[0] + place[1])
        pixels = batch["image"].flatten(1) / 255
        pixels = pixels + 0.1 * torch.randn(pixels.shape, generator=noise)
        return (self.layer(pixels)[:, 0] - batch["label"]).square().mean()

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        self.validated.append(self.current_epoch)
        if self.stop_at == (self.current_epoch, "validation"):
            raise Interrupted

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.8)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


class MidEpochCheckpoint(ModelCheckpoint):
    """Saves after an optimizer step inside an epoch; never before the epoch's validation."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        accumulated = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if accumulated and not trainer.is_last_batch:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


def train(
    folder: Path, accumulate: int, stop_at: tuple | None = None, resume: Path | None = None
) -> Regression:
    model = Regression(stop_at)
    checkpoints = {"dirpath": folder, "save_top_k": -1, "filename": "{epoch}-{step}"}
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=3,
        accumulate_grad_batches=accumulate,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            MidEpochCheckpoint(every_n_train_steps=3 - accumulate, **checkpoints),
            ModelCheckpoint(every_n_epochs=1, save_on_train_epoch_end=True, **checkpoints),
        ],
    )
    validation = loader(rows=3, shuffle=False)
    try:
        trainer.fit(model, loader(rows=18), validation, ckpt_path=resume, weights_only=True)
    except Interrupted:
        assert stop_at is not None
    return model


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize(
    "stop_at",
    [(0, 3), (1, 0), (1, 1), (1, 2), (1, 4), (2, 3), (1, "validation"), (2, "validation")],
)
def test_lightning_resumes_exactly(tmp_path: Path, accumulate: int, stop_at: tuple):
    straight = train(tmp_path / "straight", accumulate)
    assert [place[:2] for place in straight.seen] == [(e, b) for e in range(3) for b in range(5)]

    train(tmp_path / "cut", accumulate, stop_at)
    newest = max(
        (tmp_path / "cut").glob("*.ckpt"), key=lambda path: int(path.stem.split("step=")[1])
    )
    resumed = train(tmp_path / "cut", accumulate, resume=newest)

    replayed = len(resumed.seen)
    assert resumed.seen == straight.seen[len(straight.seen) - replayed :]
    assert replayed < 15, "it did not restart"
    assert set(resumed.validated) >= set(range(stop_at[0], 3)), "no validation is lost"
    for name, weight in straight.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], weight), name


@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    evenness=st.floats(0, 1),
    epoch=st.integers(0, 3),
)
def test_groups_are_drawn_by_their_shares(sizes: list[int], evenness: float, epoch: int):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    arrays = {"group": groups}
    rows = np.arange(len(groups))
    batches = BatchLoader(
        arrays, rows, batch_size=5, shuffle=True, groups=groups, evenness=evenness
    )
    drawn = np.concatenate(indices(batches, epoch))
    assert len(drawn) == len(rows)
    weights = np.array(sizes) ** (1 - evenness)
    counts = np.bincount(groups[drawn], minlength=len(sizes))
    np.testing.assert_allclose(counts, weights / weights.sum() * len(rows), atol=1.01)
    for number, size in enumerate(sizes):
        times = np.bincount(drawn[groups[drawn] == number], minlength=len(rows))[groups == number]
        assert times.max() - times.min() <= 1, f"{size} images are dealt in rounds"
    if evenness == 0:
        assert sorted(drawn) == rows.tolist()
