"""Pairs of images in which several keypoints look alike and agree on how one lies on the other.

Keypoints are compared only within cells of like ones (an inverted file, as in Sivic and Zisserman,
"Video Google", ICCV 2003), so that the work grows little faster than the number of images.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from data_modules.audit.alignment import Frame
from data_modules.audit.keypoints import Keypoints, mirrored

ALIKE = 0.8
"""The least product of two patches."""
NEAREST = 3
CELL = 1500
"""Keypoints of a cell, about."""
PROBED = 3
SAMPLED = 50_000
AT_ONCE = 2048
TOGETHER = 0.2
"""How far two votes may differ in each side of their frames, as their scales are coarse."""
TRUST = 0.02
"""How much the scale that votes say weighs beside the one that their distances say."""
LEAST_VOTES = 2


class Proposal(NamedTuple):
    """A second image that may be a copy of a part of a first one.

    Attributes:
        first: Its number.
        second: Of the second image.
        mirrored: Whether the second lies mirrored on the first.
        frame: Where.
        votes: How many keypoints say so.
    """

    first: int
    second: int
    mirrored: bool
    frame: Frame
    votes: int


def propose(found: Sequence[Keypoints]) -> Iterator[Proposal]:
    """Yield each two images on which keypoints agree, once, with the most voted frame.

    Args:
        found: The keypoints of each image.
    """
    owners = np.repeat(np.arange(len(found)), [len(one.places) for one in found])
    if len(owners) < LEAST_VOTES:
        return
    places = np.concatenate([one.places for one in found])
    patches = np.concatenate([one.patches for one in found])
    centres = _centres(patches)
    order = np.argsort(owners, kind="stable")
    best: dict[tuple[int, int], Proposal] = {}
    cells = _nearest_cells(patches, centres, 1)[:, 0]
    members = _rows_by(cells[order], order, len(centres))
    for turned in (False, True):
        asked = mirrored(patches) if turned else patches
        votes = _votes(asked, patches, centres, members, owners)
        for proposal in _agreed(votes, places, owners, turned):
            key = (min(proposal.first, proposal.second), max(proposal.first, proposal.second))
            if key not in best or best[key].votes < proposal.votes:
                best[key] = proposal
    yield from best.values()


def _centres(patches: np.ndarray) -> np.ndarray:
    from sklearn.cluster import MiniBatchKMeans

    cells = max(1, len(patches) // CELL)
    sample = patches[:: -(-len(patches) // SAMPLED)].astype(np.float32)
    kind = MiniBatchKMeans(min(cells, len(sample)), batch_size=4096, n_init=1, random_state=0)
    return kind.fit(sample).cluster_centers_.astype(np.float32)


def _nearest_cells(patches: np.ndarray, centres: np.ndarray, number: int) -> np.ndarray:
    """The cells of each patch, the nearest first, int64 [K, number or all]."""
    lengths = (centres**2).sum(axis=1) / 2
    rows = []
    for top in range(0, len(patches), AT_ONCE):
        near = patches[top : top + AT_ONCE].astype(np.float32) @ centres.T - lengths
        rows.append(np.argsort(-near, axis=1)[:, :number])
    return np.concatenate(rows)


def _rows_by(cells: np.ndarray, rows: np.ndarray, number: int) -> list[np.ndarray]:
    order = np.argsort(cells, kind="stable")
    return np.split(rows[order], np.searchsorted(cells[order], np.arange(1, number)))


def _votes(
    asked: np.ndarray,
    patches: np.ndarray,
    centres: np.ndarray,
    members: list[np.ndarray],
    owners: np.ndarray,
) -> np.ndarray:
    """Pairs of an asked keypoint and one of another image that looks like it, int64 [V, 2]."""
    probed = _nearest_cells(asked, centres, PROBED)
    askers = [np.flatnonzero((probed == cell).any(axis=1)) for cell in range(len(centres))]
    rows, others, likeness = [], [], []
    for own, group in zip(members, askers, strict=True):
        there = patches[own].astype(np.float32)
        for top in range(0, len(group), AT_ONCE):
            here = group[top : top + AT_ONCE]
            products = asked[here].astype(np.float32) @ there.T
            products[owners[here][:, None] == owners[own][None]] = 0
            a, b = np.nonzero(products >= ALIKE)
            rows.append(here[a])
            others.append(own[b])
            likeness.append(products[a, b])
    pairs = np.stack([np.concatenate(rows), np.concatenate(others)], axis=1)
    return _first_of_each(pairs, np.concatenate(likeness))


def _first_of_each(pairs: np.ndarray, likeness: np.ndarray) -> np.ndarray:
    """The `NEAREST` pairs of each asked keypoint that are most alike."""
    order = np.lexsort((-likeness, pairs[:, 0]))
    pairs = pairs[order]
    starts = np.searchsorted(pairs[:, 0], pairs[:, 0])
    return pairs[np.arange(len(pairs)) - starts < NEAREST]


def _agreed(
    votes: np.ndarray, places: np.ndarray, owners: np.ndarray, turned: bool
) -> Iterator[Proposal]:
    """The pairs of images with enough votes for one frame; the asked image lies on the other."""
    ground, laid = places[votes[:, 1]], places[votes[:, 0]].copy()
    if turned:
        laid[:, 1] = 1 - laid[:, 1]
    frames = _frames(ground, laid)
    own: dict[tuple[int, int], list[int]] = defaultdict(list)
    pairs = zip(owners[votes[:, 1]].tolist(), owners[votes[:, 0]].tolist(), strict=True)
    for number, pair in enumerate(pairs):
        own[pair].append(number)
    for (first, second), numbers in own.items():
        if len(numbers) < LEAST_VOTES:
            continue
        theirs = frames[numbers]
        close = (np.abs(theirs[:, None] - theirs[None]) < TOGETHER).all(axis=2)
        for_each = close.sum(axis=1)
        most = int(for_each.argmax())
        if for_each[most] >= LEAST_VOTES:
            chosen = np.array(numbers)[close[most]]
            frame = _joined_frame(ground[chosen], laid[chosen])
            yield Proposal(first, second, turned, frame, int(for_each[most]))


def _joined_frame(ground: np.ndarray, laid: np.ndarray) -> Frame:
    """The frame by the distances between keypoints, which are finer than their scales."""
    sides = (ground[:, 2:] / laid[:, 2:]).mean(axis=0)
    there, here = ground[:, :2], laid[:, :2] * sides
    apart, expected = there - there.mean(axis=0), here - here.mean(axis=0)
    factor = ((apart * expected).sum() + TRUST) / ((expected**2).sum() + TRUST)
    top, left = there.mean(axis=0) - factor * here.mean(axis=0)
    down, right = factor * sides
    return Frame(*(float(one) for one in (top, top + down, left, left + right)))


def _frames(ground: np.ndarray, laid: np.ndarray) -> np.ndarray:
    """Where the images of the places `laid` lie on those of `ground`, float [V, 4]."""
    sides = ground[:, 2:] / laid[:, 2:]
    starts = ground[:, :2] - laid[:, :2] * sides
    ends = starts + sides
    return np.stack([starts[:, 0], ends[:, 0], starts[:, 1], ends[:, 1]], axis=1)
