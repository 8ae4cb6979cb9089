"""Copies of images, however they were cropped, windowed, mirrored, compressed or annotated.

Keypoints and thumbnails propose pairs (`data_modules.audit.votes`, `near_duplicates`), and the
correlation of one image with the part of the other that it lies on decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from data_modules.audit.alignment import agreement, align
from data_modules.audit.boxes import Boxes
from data_modules.audit.looks import Look
from data_modules.audit.near_duplicates import near_duplicates
from data_modules.audit.votes import Proposal, propose
from data_modules.cores import on_cores
from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples

COPY = 0.87
"""The least agreement of a copy, where `align` ends.

Over public sets, copies reach 0.90 and more. Of two images that are none the best ones are next
slices of a study, up to 0.82.
"""
HOPEFUL = 0.5
"""The least one where it begins."""
EXACT, NEAR, PART = "exact", "near", "part"
TOGETHER = 0.5
LARGEST_GROUP = 2000
Found = tuple[int, int, str, float]


def find_copies(
    samples: Samples, looks: Sequence[Look | None], hashes: FileHashes, boxes: Boxes | None = None
) -> list[Found]:
    """Each two images of a data set of which one shows the other, or a part of it.

    Args:
        samples: The data set.
        looks: Of its images; None for those that cannot be read.
        hashes: What hashes the files, and whose folder keeps thumbnails.
        boxes: As of `near_duplicates`.

    Returns:
        The rows of both, the smaller first; "exact" (equal bytes or pixels), "near" (nearly equal
        as a whole or within `boxes`) or "part" (found by keypoints); and the likeness, most alike
        first. Of many exact copies of one image, pairs that link them all.
    """
    best: dict[tuple[int, int], tuple[str, float]] = {}
    for first, second, likeness in confirm(_proposals(looks), looks):
        best[first, second] = (PART, likeness)
    row_of = {path: row for row, path in enumerate(samples.table["path"])}
    whole = near_duplicates(replace(samples, alone=True), hashes, boxes)
    columns = (whole[name] for name in ("path", "other_path", "kind", "correlation"))
    for path, other, kind, likeness in zip(*columns, strict=True):
        first, second = sorted((row_of[path], row_of[other]))
        best[first, second] = (kind, max(likeness, best.get((first, second), ("", 0.0))[1]))
    found = [(*pair, kind, round(likeness, 4)) for pair, (kind, likeness) in best.items()]
    return sorted(found, key=lambda one: (one[2] != EXACT, -one[3], *one[:2]))


def confirm(
    proposals: Iterable[Proposal], looks: Sequence[Look | None]
) -> list[tuple[int, int, float]]:
    """The proposals that are copies: both rows, the smaller first, and how well they agree.

    Args:
        proposals: Pairs of rows of `looks`.
        looks: Of all images.
    """
    asked = []
    for one in proposals:
        ground, laid = (looks[row] for row in (one.first, one.second))
        if ground is not None and laid is not None:
            preview = laid.preview[:, ::-1] if one.mirrored else laid.preview
            asked.append((ground.preview, preview, one))
    likeness = on_cores(_likeness, asked)
    pairs = ((one, value) for (*_, one), value in zip(asked, likeness, strict=True))
    return [
        (min(one.first, one.second), max(one.first, one.second), value)
        for one, value in pairs
        if value >= COPY
    ]


def group_copies(number: int, copies: Sequence[Found]) -> list[np.ndarray]:
    """The images of each group of copies, by average linkage, so that chains do not join them.

    Two images that are no copies of each other count as unlike: a group grows only by an image
    that is a copy of about half of it. More than `LARGEST_GROUP` that are linked stay one group.

    Args:
        number: How many images there are.
        copies: What `find_copies` found.
    """
    if not copies:
        return []
    first, second = (np.array([one[side] for one in copies]) for side in (0, 1))
    graph = coo_array((np.ones(len(copies)), (first, second)), shape=(number, number))
    parts = connected_components(graph, directed=False)[1]
    known = {(a, b): likeness for a, b, _, likeness in copies}
    connected = (np.flatnonzero(parts == part) for part in np.unique(parts[first]))
    return [
        group
        for rows in connected
        for group in ([rows] if len(rows) > LARGEST_GROUP else _cut(rows, known))
    ]


def _proposals(looks: Sequence[Look | None]) -> list[Proposal]:
    rows = [row for row, look in enumerate(looks) if look is not None]
    found = propose([look.keypoints for look in looks if look is not None])
    return [one._replace(first=rows[one.first], second=rows[one.second]) for one in found]


def _likeness(asked: tuple[np.ndarray, np.ndarray, Proposal]) -> float:
    ground, laid, proposal = asked
    likeness = agreement(ground, laid, proposal.frame)
    return likeness if likeness < HOPEFUL else align(ground, laid, proposal.frame)[0]


def _cut(rows: np.ndarray, known: Mapping[tuple[int, int], float]) -> list[np.ndarray]:
    """A connected part of the graph of copies, cut where its branches hardly know each other."""
    apart = np.ones((len(rows), len(rows)))
    for a, one in enumerate(rows.tolist()):
        for b, other in enumerate(rows[a + 1 :].tolist(), a + 1):
            apart[a, b] = apart[b, a] = 1 - known.get((one, other), 0.0)
    np.fill_diagonal(apart, 0)
    group_of = fcluster(linkage(squareform(apart), "average"), TOGETHER, "distance")
    groups = (rows[group_of == number] for number in np.unique(group_of))
    return [group for group in groups if len(group) > 1]
