"""What matl asks of the task `diagnosis`."""

from dataclasses import replace
from pathlib import Path

import pytest

from data_modules.config import DataConfig
from data_modules.samples import Samples
from data_modules.sets.listing import make_table
from matl.errors import SettingError
from matl.stages.base import Stage
from matl.stages.diagnosis.multi_class import MultiClassStage
from matl.stages.diagnosis.stage import DiagnosisStage
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


MULTI_CLASS = replace(CONFIG, data=DataConfig(name="folder", positive=None))


def test_null_over_three_classes_tells_all_of_them_apart() -> None:
    seen = Diagnosis.select(samples(["ill", "well", "flu", "ill", ""]), MULTI_CLASS)
    assert (seen.classes, seen.positive) == (("flu", "ill", "well"), None)
    facts = Diagnosis.facts(seen, MULTI_CLASS)
    assert facts == {"counts": [1, 1, 1], "ranks_validation": False}
    assert Diagnosis.stage_class(facts) is MultiClassStage
    two = Diagnosis.facts(Diagnosis.select(samples(["ill", "well"], SPLITS[:2]), CONFIG), CONFIG)
    assert Diagnosis.stage_class(two) is DiagnosisStage


def test_a_diagnosis_from_outside_keeps_its_module_over_several_classes() -> None:
    class Mine(Diagnosis):
        module = "matl.stages.base:Stage"

    assert Mine.stage_class({"counts": [1, 1, 1], "ranks_validation": False}) is Stage


def test_null_over_two_classes_is_the_data_sets_own_positive() -> None:
    of_two = replace(samples(["ill", "well"], SPLITS[:2]), classes=("ill", "well"))
    for config in (CONFIG, MULTI_CLASS):
        assert Diagnosis.select(of_two, config).classes == ("well", "ill")


@pytest.mark.parametrize(
    ("ordered", "positive", "message"),
    [
        (["well", "ill"], None, "lists well, ill; list each class once: flu, ill, well"),
        (["well", "ill", "ill", "flu"], None, "list each class once: flu, ill, well"),
        (["well", "ill", "cold"], None, "list each class once: flu, ill, well"),
        (["well", "flu", "ill"], "ill", "tells ill from not ill; leave it out, or set data.positi"),
    ],
)
def test_an_order_lists_each_class_once(
    ordered: list[str], positive: str | None, message: str
) -> None:
    config = replace(MULTI_CLASS, ordered=ordered)
    config.data = DataConfig(name="folder", positive=positive)
    with pytest.raises(SettingError, match=message):
        Diagnosis.select(samples(["ill", "well", "flu", "ill", ""]), config)
    in_order = replace(MULTI_CLASS, ordered=["well", "flu", "ill"])
    assert Diagnosis.select(samples(["ill"], ["train"]), in_order).positive is None


def test_a_class_without_training_images_is_refused() -> None:
    seen = Diagnosis.select(samples(["ill", "well", "ill", "flu", "flu"]), MULTI_CLASS)
    with pytest.raises(SettingError, match="no training image is of the class 'flu'"):
        Diagnosis.check_images(seen, MULTI_CLASS)


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


def test_several_classes_are_joined_by_their_means() -> None:
    config = replace(MULTI_CLASS, join="max")
    with pytest.raises(SettingError, match="max is for two classes, and this diagnosis is"):
        Diagnosis.select(samples(["ill", "well", "flu", "ill", ""]), config)
    two = replace(CONFIG, join="max")
    assert Diagnosis.joining(two) == "max"
    assert Diagnosis.select(samples(["ill", "well", "flu", "ill", ""]), two).positive == "ill"


def test_what_joins_no_scores_is_refused() -> None:
    with pytest.raises(SettingError, match="'top3' joins no scores; write mean, max, noisy_or, or"):
        Diagnosis.check_settings(replace(CONFIG, join="top3"), (32,))
