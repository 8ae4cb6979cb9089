"""The data of one stage as a Lightning data module."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl

from data_modules.cache import ImageCache
from data_modules.errors import DataError
from data_modules.loader import Arrays, BatchLoader
from data_modules.ragged import Ragged
from data_modules.samples import SPLITS, UNLABELLED, Samples


class ImageDataModule(pl.LightningDataModule):
    """Batches of cached images with labels, patients and derived arrays.

    A batch holds "image" uint8 [B, C, H, W], each image in the upper left corner and black beyond
    it; "extent" int64 [B, 2], its height and width there in pixels; "label" int64 [B] (-1
    unlabelled), or float32 [B, classes] where images have several; "group" int64 [B], the patient's
    number; "index" int64 [B], the row in `samples`; and a uint8 tensor [B, ...] of each derived
    array, padded with zeros likewise. Where the samples have label sets, "label_set" int64 [B] is
    the number of each image's label set, "label" holds the single labels, and "labels" float32 [B,
    most classes] the multi-labels, padded with -1.

    Attributes:
        samples: The samples that the rows of a batch count in.
    """

    def __init__(
        self,
        samples: Samples,
        cache: ImageCache,
        *,
        batch_size: int,
        seed: int,
        task: str,
        eval_batch_size: int | None = None,
        derived: Arrays | None = None,
        train_splits: Sequence[str] = ("train",),
        drop_last: bool = False,
        evenness: float = 0.0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Keep what the loaders need; no image is read yet.

        Args:
            samples: The samples that `build_cache` returned.
            cache: The cache that it returned with them.
            batch_size: Images in a training batch of all processes together.
            seed: Seed of the training order.
            task: What is trained; each task has its own order.
            eval_batch_size: Images in an evaluation batch of one process. Default: `batch_size`.
            derived: An array for each image, by their name in the batch.
            train_splits: The splits that are trained on.
            drop_last: Whether a last training batch that is not full is left out.
            evenness: How evenly label sets, or else sources, are drawn from: 0 is by their size, 1
                is equally.
            rank: The number of this process.
            world_size: The number of processes.

        Raises:
            ValueError: Where samples, cache and derived arrays differ in length.
        """
        super().__init__()
        lengths = {len(samples), len(cache), *(len(array) for array in (derived or {}).values())}
        if len(lengths) > 1:
            raise ValueError(
                f"samples, cache and derived arrays differ in length: {sorted(lengths)}"
            )
        self.samples = samples
        self._arrays: dict[str, np.ndarray | Ragged] = {
            "image": cache.images,
            "extent": cache.images.shapes[:, 1:],
            **label_arrays(samples),
            "group": samples.groups(),
            **(derived or {}),
        }
        self._train_splits = tuple(train_splits)
        self._train_options: dict[str, Any] = {
            "batch_size": batch_size,
            "seed": seed,
            "task": task,
            "drop_last": drop_last,
            "groups": self._groups() if evenness > 0 else None,
            "evenness": evenness,
            "rank": rank,
            "world_size": world_size,
        }
        self._eval_batch_size = eval_batch_size or batch_size

    def train_dataloader(self) -> BatchLoader:
        """A loader of the training splits, shuffled differently in each epoch.

        Raises:
            DataError: Where the training images do not fill one batch.
        """
        rows = self._rows(*self._train_splits)
        loader = BatchLoader(self._arrays, rows, shuffle=True, **self._train_options)
        if len(loader) == 0:
            raise DataError(
                f"{self.samples.root}: {len(rows)} training images do not fill a batch of "
                f"{self._train_options['batch_size']}; set a smaller batch_size"
            )
        return loader

    def val_dataloader(self) -> BatchLoader | list[BatchLoader]:
        """The loader of the validation split, or an empty list where it has no image."""
        loader = self.eval_loader("val")
        return loader if len(loader) else []

    def eval_loader(self, split: str) -> BatchLoader:
        """A loader of all images of a split, in the table's order and whole on every process."""
        return self.loader_of(self._rows(split))

    def loader_of(self, rows: np.ndarray) -> BatchLoader:
        """A loader of some rows of the samples, int64 [N], in their order."""
        return BatchLoader(self._arrays, rows, batch_size=self._eval_batch_size)

    def _groups(self) -> np.ndarray:
        """The number of each image's label set, or else of its source."""
        if self.samples.label_sets:
            return self.samples.label_set_numbers()
        return self.samples.table["source"].factorize()[0]

    def _rows(self, *splits: str) -> np.ndarray:
        unknown = set(splits) - set(SPLITS)
        if unknown:
            raise ValueError(f"split {sorted(unknown)} is none of {SPLITS}")
        return np.flatnonzero(self.samples.table["split"].isin(splits))


def label_arrays(samples: Samples) -> dict[str, np.ndarray]:
    """The labels as batches hold them; see `ImageDataModule`."""
    if not samples.label_sets:
        return {"label": samples.targets()}
    numbers = samples.label_set_numbers()
    label = np.full(len(samples), UNLABELLED, dtype=np.int64)
    most = max((len(one.classes) for one in samples.label_sets if one.multi_label), default=0)
    labels = np.full((len(samples), most), UNLABELLED, dtype=np.float32)
    for number, one in enumerate(samples.label_sets):
        targets = samples.part(one).targets()
        if one.multi_label:
            labels[numbers == number, : len(one.classes)] = targets
        else:
            label[numbers == number] = targets
    several = {"labels": labels} if most else {}
    return {"label_set": numbers, "label": label, **several}
