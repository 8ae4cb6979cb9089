"""What matl asks of the task `source`."""

from dataclasses import replace
from pathlib import Path

import pytest

from data_modules.samples import Samples
from data_modules.sets.listing import make_table
from matl.errors import SettingError
from matl.stages.source.task import Source, SourceConfig

CONFIG = SourceConfig(part=1, task="source", epochs=1)


def samples(labels: list[str], multi_label: bool = False) -> Samples:
    paths = [f"{number}.png" for number in range(len(labels))]
    table = make_table(paths, source="set", label=labels)
    return Samples(Path("x"), table, classes=("ill", "well"), multi_label=multi_label)


def test_its_facts_count_the_training_images_of_each_class() -> None:
    facts = Source.facts(samples(["ill", "well", "well"]), CONFIG)
    assert facts["labels"]["classes"] == {
        "classes": ["ill", "well"],
        "multi_label": False,
        "images": 3,
        "counts": [1, 2],
    }
    several = Source.facts(samples(["ill|well", "well", "|"], multi_label=True), CONFIG)
    assert several["labels"]["classes"]["counts"] == [1, 2]


def test_one_class_is_refused() -> None:
    with pytest.raises(SettingError, match="are of 1 class; a source needs 2"):
        Source.check_images(samples(["ill", "ill"]), CONFIG)


def test_val_images_that_all_have_the_same_of_several_labels_are_refused() -> None:
    """No class can be ranked, and the AUROC by which epochs are compared would be nan."""
    several = samples(["ill|well", "|", "ill", "ill", ""], multi_label=True)
    split = ["train", "train", "val", "val", "val"]
    held_out = replace(several, table=several.table.assign(split=split))
    with pytest.raises(SettingError, match="no class of set is present in some val images and"):
        Source.check_images(held_out, CONFIG)
    Source.check_images(replace(held_out, table=held_out.table.assign(split=split[::-1])), CONFIG)
