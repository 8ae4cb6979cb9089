"""Which images a probe may look at, with their labels: training images alone."""

import numpy as np

from data_modules.samples import Samples

Probed = tuple[np.ndarray, np.ndarray, np.ndarray]


def probed_images(samples: Samples, random: np.random.Generator, most: int) -> Probed:
    """The labelled images of the training split, without persons who are in another split too.

    Of a union whose data sets have classes of their own, those of the kind with most such images.
    Images with several labels each are not probed.

    Args:
        samples: Of a stage.
        random: Draws whole persons where there are more images.
        most: How many images are wanted.

    Returns:
        Rows, classes' numbers and persons' numbers, int64 [N] each; N is 0 where the images are not
        of two classes.
    """
    table, groups = samples.table, samples.groups()
    elsewhere = np.unique(groups[(table["split"] != "train").to_numpy()])
    usable = (table["label"] != "").to_numpy() & ~np.isin(groups, elsewhere)
    labelled = [np.flatnonzero(usable & kind) for kind in _kinds(samples)]
    rows = max(labelled, key=len, default=np.array([], dtype=np.int64))
    turn = random.permutation(len(np.unique(groups)))
    rows = np.sort(rows[np.argsort(turn[groups[rows]], kind="stable")[:most]])
    names, labels = np.unique(table["label"].to_numpy(dtype=str)[rows], return_inverse=True)
    if len(names) < 2:
        rows, labels = rows[:0], labels[:0]
    return rows, labels, groups[rows]


def _kinds(samples: Samples) -> list[np.ndarray]:
    """For each kind of labels of which an image has one, which images have that kind: bool [N]."""
    if not samples.label_sets:
        return [] if samples.multi_label else [np.ones(len(samples), dtype=bool)]
    single = [one for one in samples.label_sets if not one.multi_label]
    return [samples.table["source"].isin(one.sources).to_numpy() for one in single]
