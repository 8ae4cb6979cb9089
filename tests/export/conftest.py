"""Tiny trained diagnoses, one per operator, trained once for all tests of the exports."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import run_quietly, write_tiny

from matl.config import load_experiment
from matl.orchestrator.store import Store

Trained = Callable[[str], Path]
SETTINGS = {
    "attention": ["chain=[shapes, diagnosis]"],
    "convolution": ["chain=[diagnosis]", "stages.diagnosis.tta=flip", "stages.diagnosis.fit=pad"],
    "none": ["chain=[diagnosis]", "stages.diagnosis.tta=crops"],
}
"""Of the run with each operator, so that together they have all that a graph may hold."""


@pytest.fixture(scope="package")
def run_of(tmp_path_factory: pytest.TempPathFactory, phantom_root: Path) -> Trained:
    """The folder of a run with an operator."""
    runs: dict[str, Path] = {}

    def trained(operator: str) -> Path:
        if operator not in runs:
            file = write_tiny(tmp_path_factory.mktemp(operator), phantom_root)
            overrides = [f"backbone.operator={operator}", *SETTINGS[operator]]
            runs[operator] = run_quietly(load_experiment(file, overrides))[1]
        return runs[operator]

    return trained


@pytest.fixture(scope="package")
def entry_of(run_of: Trained) -> Trained:
    """The folder of a diagnosis in its store."""

    def entry(operator: str) -> Path:
        store = Store(run_of(operator).parents[1] / "store")
        (found,) = [one for one in store if store.manifest(one).task == "diagnosis"]
        return store.entry(found)

    return entry
