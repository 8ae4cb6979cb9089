"""What matl asks of a task before, while and after it trains.

A built-in task keeps its answers, which need no torch, apart from its LightningModule, so that
planning stays quick: `module` names the class. A task from outside may be both in one class:
`class MyTask(Task, Stage)`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data_modules.imports import load_object
from data_modules.ragged import Ragged
from data_modules.samples import Samples
from matl.backbones.config import BackboneConfig
from matl.errors import SettingError
from matl.stages.finding import Finding
from matl.stages.outside import is_outside, source_digests
from matl.stages.settings import StageConfig

if TYPE_CHECKING:
    import pandas as pd

    from data_modules.module import ImageDataModule
    from matl.stages.base import Stage

ROWS_VERSION = 1
"""Raised whenever a task may select other rows of the same data set."""


PROCESSES_VERSION = 1
"""Raised with what changes the training by several processes alone; see `matl.stages.processes`."""


Measure = Callable[["Stage", int], dict[str, float]]
"""Takes a stage that is being trained and the epoch that ended, counted from 1; returns values by
the name of their curve. It leaves the stage and every random state as they were."""


@dataclass(frozen=True)
class Derived:
    """An array that a task computes from every image, once for each version.

    Attributes:
        key: Its name in a batch.
        name: Its name in the image cache, with the options that change it.
        version: Raised whenever the extractor may give another array.
        extract: Takes an image, uint8 [C, h, w], and returns a uint8 array with the same axes for
            all. In a batch each is padded with zeros to the longest of it: what is [h, w] like the
            image stays in place.
        column: A column of paths. `extract` is then given the row's file there too, None where it
            is empty, and the size of the image in its own file, [height, width].
    """

    key: str
    name: str
    version: int
    extract: Callable[..., np.ndarray]
    column: str = ""


class Task:
    """What a stage trains; subclasses answer what differs.

    Attributes:
        settings: The dataclass of a stage's settings, a subclass of `StageConfig`.
        VERSION: Part of the fingerprint; raised with any change that can change a trained weight.
        metric_names: Logged values that can stand for a stage in tables, the best first.
        references: What a logged value is to be read beside: by its name, numbers or other logged
            values by what they are in words.
        losses: Logged losses, by which a sweep may choose.
        diagnoses: Whether the stage ends a chain: its validation and test images are scored, by
            the LightningModule's `scores`; see `matl.stages.scorer`.
        unused_parameters: Whether a step may leave parameters without a gradient.
        smaller_batch: What a smaller batch changes besides the step, in words.
        leak_remedy: What a user can set where a stage is refused because it would see held-out
            images, in words; see `transductive`.
        module: The LightningModule as `package.module:Class`; empty where this class is it.
    """

    settings: ClassVar[type[StageConfig]] = StageConfig
    VERSION: ClassVar[int]
    metric_names: ClassVar[tuple[str, ...]] = ()
    references: ClassVar[Mapping[str, Mapping[str, str | float]]] = {}
    losses: ClassVar[tuple[str, ...]] = ("loss", "val/loss")
    diagnoses: ClassVar[bool] = False
    unused_parameters: ClassVar[bool] = False
    smaller_batch: ClassVar[str] = ""
    leak_remedy: ClassVar[str] = ""
    module: ClassVar[str] = ""

    @classmethod
    def chosen(cls, settings: Mapping[str, Any]) -> "type[Task]":
        """The task that a stage's settings, not yet checked, choose: this one or a variant."""
        return cls

    @classmethod
    def versions(cls, config: StageConfig) -> dict[str, Any]:
        """Versions of the task and of what it uses, by name.

        A class from outside is also known by its source files.
        """
        versions: dict[str, Any] = {"task": cls.VERSION}
        if is_outside(cls):
            versions["source"] = source_digests(cls, config)
        return versions

    @classmethod
    def check_settings(cls, config: Any, strides: Sequence[int]) -> None:
        """Checks settings together; each alone was checked by its declared range.

        Args:
            config: The stage's settings.
            strides: Those of the network's feature maps.

        Raises:
            SettingError: A setting is wrong, by its name in the stage.
        """

    @classmethod
    def check_network(cls, config: Any, backbone: BackboneConfig) -> None:
        """Checks settings together with the network, which exists.

        Args:
            config: The stage's settings.
            backbone: The network's.

        Raises:
            SettingError: The task cannot train it; by the name of a setting in the stage.
        """

    @classmethod
    def select(cls, samples: Samples, config: Any) -> Samples:
        """The images that the stage may see: here the labelled ones.

        Raises:
            SettingError: The data set does not suit the task.
        """
        return samples.subset(samples.table["label"] != "")

    @classmethod
    def check_images(cls, samples: Samples, config: Any) -> None:
        """Checks that enough images are left to train on.

        Args:
            samples: What `select` returned, or what of it can be read.
            config: The stage's settings.

        Raises:
            SettingError: They are too few.
        """
        if not (samples.table["split"] == "train").any():
            raise SettingError(["data"], "no labelled image is in the training split")

    @classmethod
    def training_splits(cls, config: Any) -> tuple[str, ...]:
        """The splits that the stage trains on, of `train`, `val` and `test`."""
        return ("train",)

    @classmethod
    def transductive(cls, config: Any) -> bool:
        """Whether the stage may see images that the diagnosis holds out.

        Only a task that uses no label may say so, and only where its settings ask for it.
        """
        return False

    @classmethod
    def evenness(cls, config: Any) -> float:
        """How evenly the sources of a union are drawn from: 0 by size, 1 alike."""
        return 0.0

    @classmethod
    def derived(cls, config: Any) -> tuple[Derived, ...]:
        """The arrays that the stage derives from its images."""
        return ()

    @classmethod
    def notes(cls, derived: Mapping[str, Ragged], config: Any) -> tuple[str, ...]:
        """What is worth saying of the derived arrays, by key, before the stage trains."""
        return ()

    @classmethod
    def classes(cls, samples: Samples) -> tuple[str, ...]:
        """The names of the classes that the stage learns to tell apart; here those of the data."""
        return samples.classes

    @classmethod
    def monitor(cls, data: "ImageDataModule", config: Any, seed: int) -> Measure | None:
        """What measures the stage at the end of each epoch; None where nothing does.

        Args:
            data: The stage's images.
            config: The stage's settings.
            seed: The experiment's.
        """
        return None

    @classmethod
    def findings(cls, curves: "pd.DataFrame", config: Any) -> Sequence[Finding]:
        """What a user must know of the training, from its curves so far.

        Args:
            curves: One row per epoch: `epoch`, from 1, and the logged values, missing where none
                was logged.
            config: The stage's settings.
        """
        return ()

    @classmethod
    def class_order(cls, config: Any) -> Sequence[str]:
        """Every class that a diagnosis tells apart, in their order; empty where they have none."""
        return ()

    @classmethod
    def joining(cls, config: Any) -> str:
        """How the scores of a study's or a patient's images become one.

        As of `matl.evaluation.joining.join_scores`.
        """
        return "mean"

    @classmethod
    def facts(cls, samples: Samples, config: Any) -> dict[str, Any]:
        """What the LightningModule must know of the images besides the settings.

        Returns:
            Keyword arguments of its constructor, values that JSON can hold: they are stored with
            the trained stage, which is rebuilt from them without its images.
        """
        return {}

    @classmethod
    def stage_class(cls, facts: Mapping[str, Any]) -> "type[Stage]":
        """The LightningModule that trains, and takes what `facts` returned.

        Args:
            facts: What `facts` returned; empty where the images are not known yet.
        """
        if not cls.module:
            return cls  # type: ignore[return-value]
        return load_object(cls.module)
