"""What matl asks of the task `source`."""

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
