"""What a task answers where it says nothing of its own."""

from pathlib import Path

import numpy as np
import pytest

from data_modules.samples import Samples
from data_modules.sets.listing import make_table
from matl.errors import SettingError
from matl.stages.settings import StageConfig
from matl.stages.task import Task


class Plain(Task):
    VERSION = 3


CONFIG = StageConfig(part=1, task="plain", epochs=1)


def samples(labels: list[str], splits: list[str]) -> Samples:
    paths = [f"{number}.png" for number in range(len(labels))]
    table = make_table(paths, source="set", label=labels, split=splits)
    return Samples(Path("nowhere"), table, classes=("ill", "well"))


def test_it_sees_labelled_images_and_trains_on_the_training_split() -> None:
    seen = Plain.select(samples(["ill", "", "well"], ["train", "train", "val"]), CONFIG)
    assert seen.table["label"].tolist() == ["ill", "well"]
    assert Plain.training_splits(CONFIG) == ("train",)
    assert Plain.derived(CONFIG) == ()
    assert Plain.facts(seen, CONFIG) == {}
    Plain.check_images(seen, CONFIG)
    with pytest.raises(SettingError, match="data: no labelled image is in the training split"):
        Plain.check_images(seen.subset(np.array([False, True])), CONFIG)


def test_a_class_from_outside_is_known_by_its_source_too() -> None:
    versions = Plain.versions(CONFIG)
    assert versions["task"] == 3
    assert list(versions["source"]) == [__name__]
    assert len(versions["source"][__name__]) == 64


def test_an_error_can_be_put_below_other_settings() -> None:
    error = SettingError(["data"], "is wrong").under("stages", "xray")
    assert str(error) == "stages.xray.data: is wrong"
    assert error.keys == ["stages", "xray", "data"]
