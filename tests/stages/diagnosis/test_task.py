"""What matl asks of the task `diagnosis`."""

from pathlib import Path

import pytest

from data_modules.samples import Samples
from data_modules.sets.listing import make_table
from matl.errors import SettingError
from matl.stages.diagnosis.task import Diagnosis, DiagnosisConfig

CONFIG = DiagnosisConfig(part=3, task="diagnosis", epochs=1)
SPLITS = ["train", "train", "train", "val", "test"]


def samples(labels: list[str], splits: list[str] = SPLITS) -> Samples:
    paths = [f"{number}.png" for number in range(len(labels))]
    table = make_table(paths, source="set", label=labels, split=splits)
    return Samples(Path("x"), table, classes=("flu", "ill", "well"), positive="ill")


def test_it_sees_the_positive_class_against_the_rest() -> None:
    seen = Diagnosis.select(samples(["ill", "well", "flu", "ill", ""]), CONFIG)
    assert seen.classes == ("not ill", "ill")
    facts = Diagnosis.facts(seen, CONFIG)
    assert facts == {"positives": 1, "negatives": 2, "ranks_validation": False}


@pytest.mark.parametrize(
    ("labels", "splits", "message"),
    [
        (["well", "flu", "well", "ill", "ill"], SPLITS, "no training image is of the class 'ill'"),
        (["ill", "well"], ["train", "train"], "no image is held out"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(
    labels: list[str], splits: list[str], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        Diagnosis.check_images(Diagnosis.select(samples(labels, splits), CONFIG), CONFIG)
