"""Batches sliced from arrays, in an order that an interrupted run can resume."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from data_modules.errors import DataError
from data_modules.ragged import Ragged

Arrays = Mapping[str, np.ndarray | Ragged]


class EpochOrder:
    """The order of the rows in each epoch: a function of seed, task and epoch only.

    Attributes:
        epoch: The epoch whose order `rows` gives. Lightning sets it through `set_epoch`.
    """

    def __init__(
        self, groups: Sequence[np.ndarray], shuffle: bool, seed: int, task: str, evenness: float
    ) -> None:
        """Keep the groups of rows; see `BatchLoader` for the settings."""
        self._groups = [np.asarray(rows, dtype=np.int64) for rows in groups]
        self._rows = np.concatenate(self._groups)
        self._evenness = evenness
        self._shuffle = shuffle
        self._name = f"{seed}/{task}"
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._rows)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch."""
        self.epoch = epoch

    def rows(self) -> np.ndarray:
        """The rows in this epoch's order, int64 [N]."""
        if not self._shuffle:
            return self._rows
        name = f"{self._name}/{self.epoch}".encode()
        seed = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "big")
        random = np.random.default_rng(seed)
        if len(self._groups) == 1:
            return random.permutation(self._rows)
        counts = _shares([len(rows) for rows in self._groups], self._evenness)
        dealt = [
            _deal(random, rows, count) for rows, count in zip(self._groups, counts, strict=True)
        ]
        return random.permutation(np.concatenate(dealt))


def _shares(sizes: Sequence[int], evenness: float) -> list[int]:
    """The images that each group gives to an epoch: the sum of `sizes`, divided as size^(1 - e)."""
    weights = np.array(sizes, dtype=float) ** (1 - evenness)
    ends = np.round(np.cumsum(weights) / weights.sum() * sum(sizes)).astype(int)
    return np.diff(ends, prepend=0).tolist()


def _deal(random: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """`count` of the rows in random order; none comes twice before all others came once."""
    rounds = [random.permutation(rows) for _ in range(-(-count // len(rows)))]
    return np.concatenate(rounds)[:count]


class BatchLoader:
    """Batches sliced from arrays with one row per image.

    On several processes (`world_size`) each global batch is divided evenly: process `rank` gets the
    rank-th part. A last global batch that is not full is cut to a multiple of `world_size`, so that
    all processes see equally many batches of equally many rows; at most `world_size` - 1 rows of an
    epoch's order are left out then, and none on one process.

    Its state is the epoch and the number of batches handed out, which Lightning saves in a
    checkpoint. After the state is loaded, the next iteration resumes after those batches if the
    sampler is in that epoch; in any other epoch it starts at the first batch. `len` always counts a
    whole epoch.

    Attributes:
        sampler: The order of the rows; Lightning calls its `set_epoch`.
        batch_sampler: None; Lightning reads it on every loader that has a sampler.
    """

    batch_sampler = None

    def __init__(
        self,
        arrays: Arrays,
        rows: np.ndarray,
        *,
        batch_size: int,
        groups: np.ndarray | None = None,
        evenness: float = 0.0,
        shuffle: bool = False,
        seed: int = 0,
        task: str = "",
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Prepare the batches; nothing is read yet.

        Args:
            arrays: Arrays of equal length by the name that they have in a batch; ragged ones are
                padded with zeros to the largest of a batch.
            rows: The rows to take, integers [N].
            batch_size: Images in a batch of all processes together.
            groups: A number for each row of the arrays, integers [N]: shuffled epochs draw from the
                groups by their shares. Default: one group.
            evenness: 0 draws by the groups' sizes, 1 equally from all groups; in between, from a
                group of n images in proportion to n^(1 - evenness).
            shuffle: Whether each epoch has its own random order.
            seed: Seed of the order.
            task: What is trained, so that each task has its own order.
            drop_last: Whether a last batch that is not full is left out.
            rank: The number of this process.
            world_size: The number of processes.

        Raises:
            DataError: Where `batch_size` is not a positive multiple of `world_size`.
        """
        if batch_size < 1 or batch_size % world_size:
            raise DataError(
                f"batch_size={batch_size} cannot be divided over {world_size} processes; "
                f"set it to a multiple of {world_size}"
            )
        parts = [rows]
        if shuffle and evenness > 0 and groups is not None:
            parts = [rows[groups[rows] == number] for number in np.unique(groups[rows])]
        self.sampler = EpochOrder(parts, shuffle, seed, task, evenness)
        self._arrays = dict(arrays)
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._rank = rank
        self._world_size = world_size
        self._epoch = 0
        self._done = 0
        self._resumed = False

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self._batch_size)
        return full + (rest >= self._world_size and not self._drop_last)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Yield the batches of the sampler's epoch.

        Yields:
            One tensor [B, ...] of each array, and "index" int64 [B], the rows.
        """
        resumed, self._resumed = self._resumed, False
        first = self._done if resumed and self._epoch == self.sampler.epoch else 0
        self._epoch = self.sampler.epoch
        order = self.sampler.rows()
        for number in range(first, len(self)):
            self._done = number + 1
            yield self._batch(order[number * self._batch_size :][: self._batch_size])

    def state_dict(self) -> dict[str, int]:
        """The epoch, the batches of it handed out so far, and the batches of a whole epoch."""
        return {"epoch": self._epoch, "done": self._done, "batches": len(self)}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Make the next iteration resume where the state was taken.

        Raises:
            ValueError: Where the state is of a loader with another number of batches.
        """
        if state["batches"] != len(self):
            raise ValueError(
                f"state of {state['batches']} batches an epoch, but here are {len(self)}"
            )
        self._epoch, self._done, self._resumed = state["epoch"], state["done"], True

    def _batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        share = len(rows) // self._world_size
        rows = rows[self._rank * share : (self._rank + 1) * share]
        batch = {name: _taken(array, rows) for name, array in self._arrays.items()}
        return batch | {"index": torch.from_numpy(rows.copy())}


def _taken(array: np.ndarray | Ragged, rows: np.ndarray) -> Tensor:
    taken = array.padded(rows) if isinstance(array, Ragged) else array.take(rows, axis=0)
    return torch.from_numpy(taken)
