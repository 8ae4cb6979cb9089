"""Arrays of different shapes, one after the other in one array of bytes."""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np


class Ragged:
    """uint8 arrays with the same axes; each has a shape of its own.

    Attributes:
        shapes: int64 [N, axes], the shape of each.
    """

    def __init__(self, content: np.ndarray, shapes: Sequence[Sequence[int]]) -> None:
        """Keep the arrays' bytes, which are not copied.

        Args:
            content: uint8, the arrays one after the other.
            shapes: The shape of each.

        Raises:
            ValueError: The shapes ask for another number of bytes.
        """
        axes = len(shapes[0]) if len(shapes) else 0
        self.shapes = np.array(shapes, dtype=np.int64).reshape(len(shapes), axes)
        self._ends = np.cumsum(self.shapes.prod(axis=1))
        self._content = np.asarray(content)  # a view, which is sliced sooner than a memory map
        if self.shapes.min(initial=0) < 0 or len(content) != (self._ends[-1] if len(shapes) else 0):
            raise ValueError(f"{len(content)} bytes are not those of {len(shapes)} arrays")

    @classmethod
    def of(cls, arrays: Sequence[np.ndarray]) -> Self:
        """Put arrays one after the other, as a copy."""
        content = np.concatenate([array.ravel() for array in arrays])
        return cls(content, [array.shape for array in arrays])

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, row: int) -> np.ndarray:
        shape, end = self.shapes[row], self._ends[row]
        return self._content[end - shape.prod() : end].reshape(shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.__getitem__, range(len(self)))

    def padded(self, rows: np.ndarray) -> np.ndarray:
        """Some arrays as one, each filled up with zeros behind its own places.

        Args:
            rows: Which ones, integers [B].

        Returns:
            uint8 [B, ...], along each axis as long as the longest of them.
        """
        batch = np.zeros((len(rows), *self.shapes[rows].max(axis=0)), dtype=np.uint8)
        for place, row in zip(batch, rows, strict=True):
            place[tuple(map(slice, self.shapes[row]))] = self[row]
        return batch
