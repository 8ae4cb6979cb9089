"""Who the phantom patients are: label, subtype and split follow from the patient's number alone."""

from dataclasses import dataclass

import numpy as np

COVID, OTHER = "covid", "other"
LESION, CLEAR = "lesion", "clear"
PATCHES = 4
"""Patches of a patient."""
_TURNS = ("covid", "healthy", "covid", "central")
_TRAIN, _VAL, _TEST = "train", "val", "test"
_SPLITS: tuple[str, ...] = 2 * (_TRAIN, _VAL, _TEST, _TRAIN, _TRAIN, _TEST, _TRAIN, _TRAIN)
_SPLITS += (_VAL, _TRAIN, _TEST, _TRAIN)
_FIRST_SPLIT = {"covid": 0, "healthy": 0, "central": 2}


@dataclass(frozen=True)
class Patient:
    """One patient of the CT phantom.

    Attributes:
        number: From 0.
        kind: "covid", "healthy" or "central" (nodules or opacities around the hila).
        split: "train" (60 %), "val" (15 %) or "test" (25 %), the same share of each kind.
    """

    number: int
    kind: str
    split: str

    @property
    def label(self) -> str:
        """The class of the diagnosis."""
        return COVID if self.kind == "covid" else OTHER


def patient(number: int) -> Patient:
    """The patient with this number; every other one has COVID-19."""
    kind = _TURNS[number % 4]
    place = number // 2 if kind == "covid" else number // 4
    return Patient(number, kind, _SPLITS[(place + _FIRST_SPLIT[kind]) % len(_SPLITS)])


def patch_kind(number: int) -> str:
    """What a patient of the patches has; lesions are of every kind, at every place."""
    return ("covid", "healthy", "central", "healthy")[number % 4]


def patch_label(number: int) -> str:
    """The class of a patient's patches."""
    return CLEAR if patch_kind(number) == "healthy" else LESION


def chance_labels(patients: list[Patient], rng: np.random.Generator) -> list[str]:
    """Labels that are dealt at random to the patients of each split, half and half."""
    labels = np.empty(len(patients), dtype=object)
    splits = np.array([one.split for one in patients])
    for split in ("train", "val", "test"):
        places = np.flatnonzero(splits == split)
        labels[rng.permutation(places)] = [(COVID, OTHER)[turn % 2] for turn in range(len(places))]
    return labels.tolist()
