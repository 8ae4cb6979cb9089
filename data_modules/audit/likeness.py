"""Thumbnails that are nearly equal, by the correlation of their gradients.

A picture's signature is the gradient of its grey thumbnail; it may be compared in the eight
orientations of a square, and as a negative (a correlation below zero).

To be quick, only `DIRECTIONS` numbers of each signature are compared first, along the directions in
which these images differ most; with the lengths of what is left they bound the correlation, so that
no pair is missed. 20,000 x 180,000 images take 4 minutes on two busy cores, where one orientation
took 2.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from data_modules.audit.thumbnails import SIDE

NEAR, TURNED = 0.97, 0.98
ORIENTATIONS = 8
DIRECTIONS = 64
ROWS_AT_ONCE, COLUMNS_AT_ONCE = 1024, 4096
SAMPLED = 512
FEW = 1_000_000  # pairs that are compared as they are
NO_DIRECTION = np.zeros((2 * SIDE * (SIDE - 1), 0), dtype=np.float32)
SLACK = 1e-3  # of the bound, for rounding
MOST_PAIRS = 200_000
Near = tuple[int, int, float]


class _Side(NamedTuple):
    """Images that are compared.

    Attributes:
        rows: Their numbers.
        signatures: See `_signatures`.
        outlines: The signatures along the directions.
        rests: The lengths of what is left of them.
    """

    rows: np.ndarray
    signatures: np.ndarray
    outlines: np.ndarray
    rests: np.ndarray


def near_pairs(
    pixels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    pictures: np.ndarray,
    least: Sequence[float],
) -> Iterator[Near]:
    """Each two rows whose pictures are alike and whose pixels are not equal, with the correlation.

    Args:
        pixels: The number of each row's pixels, int64 [N], the same where they are equal.
        first: Rows to compare, int64.
        second: Rows to compare them with; where it is `first`, each two rows meet once.
        pictures: Thumbnails, uint8 [N, SIDE, SIDE].
        least: The correlation that is asked for in each orientation that is compared.
    """
    if not len(first) or not len(second):
        return
    within = np.array_equal(first, second)
    few = len(first) * len(second) <= FEW
    directions = NO_DIRECTION if few else _directions(pictures[first], pictures[second])
    others = _by_rest(_side(second, pictures[second], directions))
    rows = others.rows if within else first
    for top in range(0, len(rows), ROWS_AT_ONCE):
        here = rows[top : top + ROWS_AT_ONCE]
        turned = [_side(here, _turned(pictures[here], n), directions) for n in range(len(least))]
        for left in range(top if within else 0, len(second), COLUMNS_AT_ONCE):
            there = _Side(*(one[left : left + COLUMNS_AT_ONCE] for one in others))
            best = _best(turned, there, least)
            if within:  # both in one order: each row meets only those after it
                best = np.triu(best, 1 + top - left)
            a, b = np.nonzero(best)
            unequal = np.flatnonzero(pixels[here[a]] != pixels[there.rows[b]])[:MOST_PAIRS]
            a, b = a[unequal], b[unequal]
            pairs = np.stack([here[a], there.rows[b]], axis=1)
            if within:
                pairs.sort(axis=1)
            correlations = np.minimum(best[a, b], 1.0).tolist()
            for (one, other), correlation in zip(pairs.tolist(), correlations, strict=True):
                yield one, other, correlation


def _best(turned: Sequence[_Side], there: _Side, least: Sequence[float]) -> np.ndarray:
    """The largest correlation, without a sign, of each two rows that are near; 0 of others.

    Args:
        turned: The rows in each orientation.
        there: The columns.
        least: What is asked for in each orientation, and `TURNED` of its negative.
    """
    best = np.zeros((len(turned[0].rows), len(there.rows)), dtype=np.float32)
    for here, enough in zip(turned, least, strict=True):
        outlined = here.outlines @ there.outlines.T
        needed = min(enough, TURNED) - SLACK - here.rests * there.rests.max()
        hopeful = (outlined.max(axis=1) >= needed) | (outlined.min(axis=1) <= -needed)
        correlations = here.signatures[hopeful] @ there.signatures.T
        a, b = np.nonzero((correlations >= enough) | (correlations <= -TURNED))
        rows = np.flatnonzero(hopeful)[a]
        best[rows, b] = np.maximum(best[rows, b], np.abs(correlations[a, b]))
    return best


def _side(rows: np.ndarray, pictures: np.ndarray, directions: np.ndarray) -> _Side:
    signatures = _signatures(pictures)
    outlines = signatures @ directions
    rests = (signatures**2).sum(axis=1) - (outlines**2).sum(axis=1)
    return _Side(rows, signatures, outlines, np.sqrt(np.maximum(rests, 0.0)))


def _by_rest(side: _Side) -> _Side:
    """A side whose next rows have rests about as long, so that the bound of a block is close."""
    order = np.argsort(side.rests)
    return _Side(*(one[order] for one in side))


def _turned(pictures: np.ndarray, number: int) -> np.ndarray:
    """Thumbnails in one of the orientations of a square; 0 is their own, from 4 on mirrored."""
    mirrored = pictures[:, :, ::-1] if number >= ORIENTATIONS // 2 else pictures
    return np.rot90(mirrored, number % 4, axes=(1, 2))


def _signatures(pictures: np.ndarray) -> np.ndarray:
    """float32 rows of length 1: the steps down and those to the right, each of zero mean.

    Turned pictures have the same steps in other places. A flat image's row is zero, and matches
    nothing.
    """
    grey = pictures.astype(np.int16)
    steps = [np.diff(grey, axis=axis).reshape(len(grey), -1) for axis in (1, 2)]
    means = [one.mean(axis=1, keepdims=True, dtype=np.float32) for one in steps]
    rows = np.concatenate([a - b for a, b in zip(steps, means, strict=True)], axis=1)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows


def _directions(*pictures: np.ndarray) -> np.ndarray:
    """Orthonormal columns along which signatures differ most, of a sample in all orientations."""
    sampled = [one[:: -(-len(one) // SAMPLED)] for one in pictures]
    turned = [_turned(one, number) for one in sampled for number in range(ORIENTATIONS)]
    rows = np.concatenate([_signatures(one) for one in turned])
    return np.ascontiguousarray(np.linalg.eigh(rows.T @ rows)[1][:, -DIRECTIONS:])
