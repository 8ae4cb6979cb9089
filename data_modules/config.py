"""The settings that choose a data set and its split.

A field's metadata, `unit` and `values` in words, is for the reference of all settings.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ThinConfig:
    """Which of the training images that are nearly identical are left out.

    Attributes:
        within: Which images are compared: those of a `study` (an image without one is kept), of a
            `patient`, of a `source`, or `all`; `none` leaves nothing out.
        distance: The largest distance of two images of which one is left out: in how many of 256
            bits their perceptual hashes differ. 20 are next slices of one CT and copies.
    """

    within: str = field(
        default="none", metadata={"values": "`none`, `study`, `patient`, `source`, `all`"}
    )
    distance: int = field(
        default=20, metadata={"unit": "bits", "values": "whole number from 0 to 100"}
    )


@dataclass
class DataConfig:
    """One data set, or a union of several, and how it is split.

    Attributes:
        name: A built-in name, or the import path of a function from outside, such as
            `mypkg.scans:index`. Exactly one of `name` and `union` is given.
        union: Names, or mappings with the keys of this class, of the data sets to join.
        root: The data set's folder. Default: `data_root/name`; for a function from outside the
            module's last word is the name.
        split: "official" (the data set's own), "clean" (one that matl ships, in which no person,
            publication or copy is in two parts; of `covid_ct`) or "kfold" (by patient).
        over: What `kfold` divides: "all" patients, or those of the official "train" split only;
            then the other images are left out.
        folds: Number of folds, at least 2.
        fold: The fold that is tested, from 0 to `folds` - 1.
        repeat: Which repetition of the k folds; each deals the patients differently.
        split_seed: The seed of every split that is drawn.
        label_fraction: How many of the training patients are kept, by stratum, to measure label
            efficiency; validation and test stay whole.
        label_seed: Chooses which patients `label_fraction` keeps.
        thin: Leaves out training images that are nearly identical; whoever knows which images are
            used does so, by `data_modules.thinning.thin`.
        positive: The class that metrics count as positive. Default: the data set's own. `null`
            over three classes and more tells all of them apart (multi-class); over two it says
            what the default does.
        window: What is seen of images in Hounsfield units: `lung` (-1350 to 150), `mediastinum`
            (-150 to 250), `bone` (-500 to 1300), a centre and a width, or a list of three of them,
            which become the channels. No other image is changed by it.
        on_bad_image: "stop" or "skip" where an image cannot be read.
        options: Keyword arguments of the data set's `index` function.
    """

    name: str | None = None
    union: list[Any] = field(default_factory=list, metadata={"values": "list of names or mappings"})
    root: str | None = None
    split: str = field(default="official", metadata={"values": "`official`, `clean`, `kfold`"})
    over: str = field(default="all", metadata={"values": "`all`, `train`"})
    folds: int = field(default=5, metadata={"values": "whole number at least 2"})
    fold: int = field(default=0, metadata={"values": "0 to `folds` - 1"})
    repeat: int = field(default=0, metadata={"values": "whole number at least 0"})
    split_seed: int = 0
    label_fraction: float = field(
        default=1.0, metadata={"unit": "share", "values": "above 0 and at most 1"}
    )
    label_seed: int = 0
    thin: ThinConfig = field(default_factory=ThinConfig)
    positive: str | None = field(default="", metadata={"values": "a class, or `null`"})
    window: Any = field(
        default="lung",
        metadata={
            "unit": "HU",
            "values": "`lung`, `mediastinum`, `bone`, `{centre: -600, width: 1500}`, or a list",
        },
    )
    on_bad_image: str = field(default="stop", metadata={"values": "`stop`, `skip`"})
    options: dict[str, Any] = field(default_factory=dict)
