"""What is known of a run's networks on the images: all that its explanation is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from matl.explain.cka import Features

Maps = Mapping[str, np.ndarray]
GRAD_CAM, ATTENTION = "grad_cam", "attention"
"""The methods; an attention map's name ends in its stride, as in "attention_16"."""


@dataclass(frozen=True)
class Pictures:
    """The images, and what can be drawn over them.

    Attributes:
        images: as the network sees them, float32 [N, C, H, W] in [0, 1].
        fields: lung fields where the network sees them, bool [N, H, W]; empty where none was found.
        lesions: bool [N, H, W], or None where they are not known.
    """

    images: np.ndarray
    fields: np.ndarray
    lesions: np.ndarray | None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[2], self.images.shape[3]


@dataclass(frozen=True)
class Diagnosis:
    """One diagnosis on the images.

    Attributes:
        table: one row per image: `image` (path relative to the data root), `source`, `patient`,
            `label` (the class), `outcome` ("right" or "wrong" at the threshold) and `score`
            (probability of the positive class); its index counts the rows from 0.
        maps: float32 [N, h, w], at least 0, by method.
        network: its name among the networks.
    """

    table: pd.DataFrame
    maps: Maps
    network: str


@dataclass(frozen=True)
class Evidence:
    """A run on the images of one split.

    Attributes:
        experiment: its name.
        command: the user's.
        split: "test" or "val".
        positive: the class that counts as positive.
        negative: the other class.
        seed: of every draw.
        pictures: the images.
        diagnoses: by the row's name, the one to show first ("chain", then "from scratch").
        networks: float32 [N, channels] at each stride, by name: the chain's in order, then others.
        methods: what each method shows, in words.
        notes: what a reader should know of the data, a sentence each.
    """

    experiment: str
    command: str
    split: str
    positive: str
    negative: str
    seed: int
    pictures: Pictures
    diagnoses: Mapping[str, Diagnosis]
    networks: Mapping[str, Features]
    methods: Mapping[str, str]
    notes: Sequence[str] = field(default_factory=list)

    @property
    def classes(self) -> tuple[str, str]:
        """The positive class first."""
        return self.positive, self.negative
