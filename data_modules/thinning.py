"""Near-identical training images thinned: of those that are near each other some are left out."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from data_modules.audit.overview import counts
from data_modules.audit.perceptual import BITS, keep_apart, perceptual_hashes
from data_modules.audit.thumbnails import thumbnails
from data_modules.config import ThinConfig
from data_modules.errors import DataError, did_you_mean
from data_modules.file_hashes import FileHashes
from data_modules.files import recall, remember
from data_modules.samples import Samples, texts

VERSION = 1  # of the hashes, of the order in which images are kept, and of the memos
COMMON = {"study": ["source", "patient", "study"], "patient": ["source", "patient"]}
"""The columns that near images have in common, by the setting `within`."""
COMMON |= {"source": ["source"], "all": []}
OFF = "none"
LARGEST_DISTANCE = 100
MOST_CLASSES = 8
NO_CLASSES = ("images", "patients", "unlabelled")
"""What is counted besides classes."""


def check_thin(config: ThinConfig) -> None:
    """Check the settings of thinning.

    Raises:
        DataError: The first setting that is wrong.
    """
    known = (OFF, *COMMON)
    if config.within not in known:
        nearest = did_you_mean(str(config.within), known)
        raise DataError(f"data.thin.within: '{config.within}' is unknown; {nearest}")
    if type(config.distance) is not int or not 0 <= config.distance <= LARGEST_DISTANCE:
        raise DataError(
            f"data.thin.distance: {config.distance!r} is not possible; set 0 to {LARGEST_DISTANCE} "
            f"bits (of {BITS}; unrelated images differ in about {BITS // 2})"
        )


def thin(
    samples: Samples,
    config: ThinConfig,
    hashes: FileHashes,
    trained_on: Collection[str] = ("train",),
) -> Samples:
    """Leave out training images that are near another one of their study, patient or source.

    Images are kept one after another where none kept before is near, in the order of the hashes of
    their files, so that the same are kept whatever their names and places in the table. No label
    takes part. Images of val and test, and those that cannot be read, stay.

    Args:
        samples: The images that a stage takes.
        config: How they are thinned.
        hashes: What hashes the files, and whose folder keeps thumbnails and what was found.
        trained_on: The splits that the stage trains on, for the note on its steps.

    Returns:
        The images that remain, with notes on what was left out.

    Raises:
        DataError: Where a study is what images are compared in, and no training image names one;
            or where files of the table cannot be read.
    """
    training = (samples.table["split"] == "train").to_numpy()
    if config.within == OFF or not training.any():
        return samples
    pairs = np.flatnonzero(training)[_pairs(samples.subset(training), config, hashes)]
    keep = np.ones(len(samples), dtype=bool)
    keep[pairs[:, 0]] = False
    remaining = samples.subset(keep)
    notes = [_note(samples, pairs, config)]
    if len(pairs):
        notes[0] += _steps(samples, remaining, trained_on)
        notes += _class_notes(samples, remaining, pairs)
    return replace(remaining, notes=(*samples.notes, *notes))


def _pairs(training: Samples, config: ThinConfig, hashes: FileHashes) -> np.ndarray:
    """The row of each image that is left out, and of a kept one that is near, int64 [M, 2]."""
    table, files = training.portable_table(), training.images()
    contents, groups = hashes.of(files), _groups(training, config.within)
    named = zip(contents, texts(table["source"]), texts(table["path"]), strict=True)
    keys = ["|".join(words) for words in named]
    asked = hashlib.blake2b("\n".join([str(config.distance), *keys]).encode(), digest_size=16)
    asked.update(groups.tobytes())
    memo = hashes.folder / f"thinned_v{VERSION}" / f"{asked.hexdigest()}.json"
    pairs = recall(memo)
    if pairs is None:
        readable, pictures = thumbnails(files, contents, hashes.folder)
        pairs = []
        for rows in _members(np.where(readable, groups, -1), keys):
            near = rows[keep_apart(perceptual_hashes(pictures[rows]), config.distance)]
            pairs += np.stack([rows, near], axis=1)[rows != near].tolist()
        remember(memo, pairs)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _groups(training: Samples, within: str) -> np.ndarray:
    """A number for the images that are compared with each other, int64 [N]; -1 for none."""
    table = training.table
    if not COMMON[within]:
        return np.zeros(len(table), dtype=np.int64)
    groups = table.groupby(COMMON[within], sort=True).ngroup().to_numpy(dtype=np.int64)
    if within == "study":
        groups = np.where(table["study"] == "", -1, groups)
        if (groups < 0).all():
            raise DataError(
                f"data.thin.within: no training image of {training.root} names its study; set "
                "patient, source or all"
            )
    return groups


def _members(groups: np.ndarray, keys: Sequence[str]) -> Iterator[np.ndarray]:
    """The rows of each group of several images, in the order of their keys."""
    numbers = groups.tolist()
    order = sorted(range(len(keys)), key=lambda row: (numbers[row], keys[row]))
    for number, rows in groupby(order, key=numbers.__getitem__):
        members = np.array(list(rows), dtype=np.int64)
        if number >= 0 and len(members) > 1:
            yield members


def _note(samples: Samples, pairs: np.ndarray, config: ThinConfig) -> str:
    """How many training images are kept, with an example of one that is not."""
    training = samples.table["split"] == "train"
    images, nameless = int(training.sum()), 0
    if config.within == "study":
        nameless = int((training & (samples.table["study"] == "")).sum())
    alone = f"; {nameless:,} without a study stand for themselves" if nameless else ""
    of_theirs = "" if config.within == "all" else f" of their {config.within}"
    near = f"within a distance of {config.distance} of another one{of_theirs}"
    if not len(pairs):
        return f"thin: all {images:,} training images kept (none is {near}{alone})"
    paths = samples.table["path"]
    one, other = (paths.iloc[row] for row in pairs[0])
    return (
        f"thin: {images - len(pairs):,} of {images:,} training images kept (images {near} are left "
        f"out: {len(pairs):,}, such as {one}, near {other}{alone})"
    )


def _steps(samples: Samples, remaining: Samples, trained_on: Collection[str]) -> str:
    before, after = (one.table["split"].isin(trained_on).sum() for one in (samples, remaining))
    return f": an epoch takes {100 * after / before:.0f} % of the steps"


def _class_notes(samples: Samples, remaining: Samples, pairs: np.ndarray) -> list[str]:
    """How many training images of each class remain; nothing where there are no classes."""
    before, after = (
        counts(one.subset(one.table["split"] == "train")).loc["train"]
        for one in (samples, remaining)
    )
    classes = [name for name in before.index if name not in NO_CLASSES]
    if not classes:
        return []
    listed = ", ".join(f"{name} {after[name]:,} of {before[name]:,}" for name in classes)
    if len(classes) > MOST_CLASSES:
        shares = [after[name] / before[name] for name in classes if before[name]]
        listed = f"{100 * min(shares):.0f} to {100 * max(shares):.0f} % of {len(classes)} classes"
    one, other = (samples.table["label"].to_numpy()[rows] for rows in pairs.T)
    differ = int(((one != other) & (one != "") & (other != "")).sum())
    other_class = f"; {differ:,} left out are near one of another class" if differ else ""
    return [f"thin: training images that remain: {listed}{other_class}"]
