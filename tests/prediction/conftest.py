"""Runs that are trained once for all tests of predictions."""

from collections.abc import Callable
from pathlib import Path

import pytest
from three_classes import draw_classes, write_three
from tiny import run_quietly

from matl.config import load_experiment

Train = Callable[..., Path]


def write_two(folder: Path, data_root: Path) -> Path:
    """The experiment of three classes with two of them."""
    file = write_three(folder, data_root)
    for split in ("train", "val", "test"):
        for image in (folder / "lungs" / split / "severe").iterdir():
            image.unlink()
        (folder / "lungs" / split / "severe").rmdir()
    file.write_text(file.read_text().replace("positive: null", "positive: mild"))
    return file


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run's store, runs and images (`lungs`) are."""
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="session")
def train(place: Path, phantom_root: Path) -> Train:
    """Trains the diagnosis of two classes; returns the run's folder."""
    file = write_two(place, phantom_root)
    return lambda *words: run_quietly(load_experiment(file, words))[1]


@pytest.fixture(scope="session")
def finished(train: Train) -> Path:
    """The folder of a finished run."""
    return train()


@pytest.fixture(scope="session")
def other(train: Train, finished: Path) -> Path:
    """The folder of the same run with another seed."""
    return train("seed=1")


@pytest.fixture(scope="session")
def multi_class(tmp_path_factory: pytest.TempPathFactory, phantom_root: Path) -> Path:
    """The folder of a run of three classes."""
    file = write_three(tmp_path_factory.mktemp("three"), phantom_root)
    return run_quietly(load_experiment(file, ["chain=[diagnosis]", "stages.diagnosis.epochs=1"]))[1]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of images that no run has seen."""
    return draw_classes(tmp_path / "scans", ("normal", "mild"), seed=5)
