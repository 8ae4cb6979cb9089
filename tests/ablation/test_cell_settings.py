"""The cells of an arm and a regime are derived from one reading, as if each were read by itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_ablation import ABLATION, KFOLD

from matl.ablation import cell_settings
from matl.ablation.cell_settings import Cell, CellSettings
from matl.ablation.cells import cells_of
from matl.ablation.load import load_ablation
from matl.config import Experiment, load_experiment
from matl.errors import MatlError
from matl.orchestrator.plan import Memo

USER = ["stages.diagnosis.epochs=6", "trainer.threads=1"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The overrides of every reading of the files."""
    seen: list[list[str]] = []

    def counted(path: str, words: list[str]) -> Experiment:
        seen.append(words)
        return load_experiment(path, words)

    monkeypatch.setattr(cell_settings, "load_experiment", counted)
    return seen


@pytest.fixture
def settings(ablation_file: Path) -> CellSettings:
    folds = ABLATION.replace("splits:\n", KFOLD) + "\nfractions: [0.5, 1.0]\n"
    ablation_file.write_text(folds)
    return CellSettings(load_ablation(ablation_file), list(USER), Memo())


def ten_or_five(experiment: Experiment) -> int:
    return 5 if experiment.stages["diagnosis"].data.label_fraction < 1 else 10


def test_experiment__is_what_its_overrides_make(settings: CellSettings) -> None:
    for cell in cells_of(settings.ablation):
        words = settings.words(cell)
        if cell.fraction < 1:
            words += [f"stages.diagnosis.data.label_fraction={cell.fraction}"]
            words += [f"stages.diagnosis.data.label_seed={cell.seed}", "stages.diagnosis.epochs=12"]
        read_alone = load_experiment(settings.ablation.experiment, words)
        assert settings.experiment(cell, ten_or_five) == read_alone


def test_experiment__files_are_read_once_for_an_arm_and_a_regime(
    settings: CellSettings, read: list[list[str]]
) -> None:
    cells = cells_of(settings.ablation)
    for cell in cells:
        settings.experiment(cell, ten_or_five)
    assert len(cells) == 2 * 3 * 5 * 2 * 2
    assert len(read) == len({tuple(words) for words in read}) == 2 * 3


@pytest.mark.parametrize("place", ["file", "override"])
def test_experiment__settings_that_follow_from_others_follow_in_every_cell(
    place: str, settings: CellSettings, load_into: Callable[[str], None]
) -> None:
    if place == "file":
        load_into("stages: {diagnosis: {data: {split_seed: '${seed}'}}}")
    else:
        settings = replace(settings, overrides=[*USER, "stages.diagnosis.data.split_seed=${seed}"])
    cells = [Cell("attention", "shapes", "official", seed) for seed in (0, 1)]
    seeds = [settings.experiment(one, ten_or_five).stages["diagnosis"].data for one in cells]
    assert [one.split_seed for one in seeds] == [0, 1]


@pytest.fixture
def load_into(ablation_file: Path) -> Callable[[str], None]:
    """Adds settings to the experiment's file."""

    def write(settings: str) -> None:
        file = ablation_file.parent / "tiny.yaml"
        file.rename(file.with_name("base.yaml"))
        file.write_text(f"extends: base.yaml\n{settings}\n")

    return write


def test_experiment__a_wrong_seed_is_named_with_its_place(settings: CellSettings) -> None:
    with pytest.raises(MatlError, match=r"seed=-1: seed: -1 is not possible"):
        settings.experiment(Cell("attention", "shapes", "official", -1), ten_or_five)


def test_experiment__cells_share_nothing_that_can_change(settings: CellSettings) -> None:
    first, second = (
        settings.experiment(Cell("attention", "shapes", "folds", seed), ten_or_five)
        for seed in (0, 1)
    )
    assert (first.seed, second.seed) == (0, 1)
    assert first.stages is not second.stages
