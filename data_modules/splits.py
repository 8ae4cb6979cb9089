"""Splits by patient: seeded, stratified, and the same whatever the order of the rows.

Patients are dealt one after another, in the order of a hash of (seed, patient), each to the part
that lacks most images of the patient's stratum: the rarest class that the patient shows. No random
number generator takes part, so a split never changes with a library's version. A source that is
named by its folder counts by its number, so a renamed folder has the same split.
"""

import hashlib
import json
import math
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import SPLITS, Samples, split_label, texts

SPLIT_SHARES = {"train": 0.7, "test": 0.2, "val": 0.1}
TRAIN_VAL_SHARES = {"train": 0.875, "val": 0.125}
STRENGTH = {"train": 0, "val": 1, "test": 2}


def split_by_patient(table: pd.DataFrame, seed: int = 0) -> pd.Series:
    """A split for a data set without a patient-safe one: 70 % train, 10 % val, 20 % test.

    Args:
        table: A table of `Samples`; its column `split` is not read.
        seed: Another seed deals the patients differently.

    Returns:
        "train", "val" or "test" for each row.
    """
    return deal(table, SPLIT_SHARES, "split", seed)


def kfold(
    samples: Samples, folds: int, fold: int, repeat: int = 0, seed: int = 0, over: str = "all"
) -> Samples:
    """One fold of a cross-validation by patient.

    The fold is the test split, about an eighth of the other images becomes val, the rest train.
    Over the folds of one repeat every patient is tested exactly once.

    Args:
        samples: The data set, every image labelled.
        folds: Number of folds, at least 2.
        fold: The fold that is tested, from 0 to `folds` - 1.
        repeat: Which repetition; each deals the patients differently.
        seed: Another seed deals them differently, too.
        over: "all" divides all patients, "train" those of the given train split; then the images
            of val and test are left out.

    Raises:
        DataError: Where images lack a label, or a class has fewer patients than there are folds.
    """
    if over == "train":
        samples = samples.subset(samples.table["split"] == "train")
    _check_divisible(samples, folds)
    table = samples.portable_table()
    part = deal(table, {str(number): 1.0 for number in range(folds)}, "kfold", seed, repeat)
    tested = part == str(fold)
    rest = deal(table[~tested], TRAIN_VAL_SHARES, "val", seed, repeat, fold)
    split = rest.reindex(table.index, fill_value="test")
    patients = len(table.drop_duplicates(["source", "patient"]))
    note = (
        f"the test split is fold {fold} of {folds} by patient (repeat {repeat}, seed {seed}) "
        f"over {patients} patients{' of the official train split' if over == 'train' else ''}"
    )
    split_table = samples.table.assign(split=split)
    return replace(samples, table=split_table, published=(), notes=(*samples.notes, note))


def keep_labels(samples: Samples, fraction: float, seed: int = 0) -> Samples:
    """Leave out training patients until a fraction of each stratum is left, at least one.

    A smaller fraction keeps a part of what a larger one keeps. Val and test stay whole.

    Args:
        samples: The data set.
        fraction: The share of the training patients to keep, above 0 and up to 1.
        seed: Another seed keeps others.
    """
    if fraction == 1:
        return samples
    table = samples.portable_table()
    training = table["split"] == "train"
    strata: dict[str, list[tuple[str, str]]] = {}
    for patient in _patients(table[training]):
        strata.setdefault(patient.stratum, []).append(patient.key)
    kept: set[tuple[str, str]] = set()
    for keys in strata.values():
        keys.sort(key=lambda key: _order("labels", seed, *key))
        kept.update(keys[: math.ceil(fraction * len(keys))])
    held = pd.Series([key in kept for key in _keys(table)], index=training.index)
    patients = sum(map(len, strata.values()))
    note = f"{len(kept)} of {patients} training patients kept: {fraction:g} of the labels"
    return replace(samples.subset(held | ~training), notes=(*samples.notes, note))


def deal(table: pd.DataFrame, shares: dict[str, float], *words: str | int) -> pd.Series:
    """Deal whole patients into parts.

    Args:
        table: A table of `Samples`.
        shares: The share of the images that each part is to get; of equal parts the first named is
            served first.
        words: What the order of the patients depends on.

    Returns:
        A part's name for each row, with the table's index.
    """
    names, sizes = list(shares), list(shares.values())
    part_of: dict[tuple[str, str], str] = {}
    in_stratum: dict[str, list[int]] = {}
    in_part = [0] * len(names)
    for patient in sorted(_patients(table), key=lambda patient: _order(*words, *patient.key)):
        own = in_stratum.setdefault(patient.stratum, [0] * len(names))
        place = _neediest(own, in_part, sizes)
        part_of[patient.key] = names[place]
        own[place] += patient.images
        in_part[place] += patient.images
    return pd.Series([part_of[key] for key in _keys(table)], index=table.index, dtype="str")


def join_split_patients(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Put every patient who is in several splits into one: test before val before train.

    Returns:
        The table with such images moved, and a note that counts them (none where none moved).
    """
    strength = table["split"].map(STRENGTH)
    strongest = strength.groupby([table["source"], table["patient"]]).transform("max")
    moved = strength < strongest
    if not moved.any():
        return table, ()
    patients = len(table[moved].drop_duplicates(["source", "patient"]))
    named = {number: name for name, number in STRENGTH.items()}
    note = (
        f"{patients} patients were in several splits: {int(moved.sum())} of their images moved "
        "(train yields to val and test, val to test)"
    )
    return table.assign(split=strongest.map(named)), (note,)


def split_leaks(samples: Samples) -> pd.DataFrame:
    """The persons who are in several splits, as only a published split has them.

    Returns:
        One row per person; index (`source`, `patient`), columns `train`, `val` and `test` with the
        number of images.
    """
    table = samples.table
    counts = pd.crosstab([table["source"], table["patient"]], table["split"])
    counts = counts.reindex(columns=list(SPLITS), fill_value=0)
    return counts[(counts > 0).sum(axis=1) > 1]


def leak_notes(samples: Samples) -> tuple[str, ...]:
    """A warning that lists and counts the persons of `split_leaks`; nothing where there is none."""
    leaks = split_leaks(samples)
    if leaks.empty:
        return ()
    tested = leaks["test"][leaks["test"] > 0]
    names = leaks.index.get_level_values("patient")
    persons = [f"{name} ({_in_words(leaks.iloc[at])})" for at, name in enumerate(names)]
    return (
        f"WARNING: the split is kept as published, and {len(leaks)} persons are in several parts "
        f"of it: {', '.join(persons)}; {tested.sum()} test images are of {len(tested)} of them",
    )


def _in_words(images: pd.Series) -> str:
    return ", ".join(f"{split} {count}" for split, count in images.items() if count)


class _Patient(NamedTuple):
    key: tuple[str, str]
    images: int
    stratum: str


def _patients(table: pd.DataFrame) -> list[_Patient]:
    keys, labels = _keys(table), texts(table["label"])
    images = Counter(keys)
    named = {label: split_label(label) for label in set(labels)}
    frequency: Counter[str] = Counter()
    for label, count in Counter(labels).items():
        frequency.update(dict.fromkeys(named[label], count))
    rarity = {name: (count, name) for name, count in frequency.items()}
    classes: dict[tuple[str, str], set[str]] = {}
    for key, label in set(zip(keys, labels, strict=True)):
        classes[key] = classes.get(key, set()) | named[label]
    return [
        _Patient(key, count, min(classes[key], key=rarity.__getitem__, default=""))
        for key, count in images.items()
    ]


def _keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(texts(table["source"]), texts(table["patient"]), strict=True))


def _neediest(in_stratum: list[int], in_part: list[int], shares: list[float]) -> int:
    """The first part with the fewest images of a stratum for its share, then the fewest of all."""
    counts = zip(in_stratum, in_part, shares, range(len(shares)), strict=True)
    return min((own / share, all_ / share, place) for own, all_, share, place in counts)[2]


def _order(*words: str | int) -> bytes:
    return hashlib.blake2b(json.dumps(words).encode(), digest_size=16).digest()


def _check_divisible(samples: Samples, folds: int) -> None:
    table = samples.table
    unlabelled = int((table["label"] == "").sum())
    if unlabelled:
        raise DataError(
            f"{samples.root}: kfold needs labels, and {unlabelled} of {len(table)} images have "
            "none; use split: official"
        )
    patients = table.drop_duplicates(["source", "patient", "label"])
    fewest = len(patients.drop_duplicates(["source", "patient"]))
    what = "the data set"
    if not samples.multi_label and len(patients):
        counts = patients["label"].value_counts()
        what, fewest = f"class '{counts.index[-1]}'", int(counts.iloc[-1])
    if fewest < folds:
        raise DataError(
            f"{samples.root}: {what} has {fewest} patients, too few for {folds} folds; "
            f"set folds to {fewest} or fewer{samples.left_out()}"
        )
