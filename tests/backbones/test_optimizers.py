"""Optimizers that cannot be used are refused, and those that can are not tried again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from matl.backbones import optimizers
from matl.backbones.network_table import shipped
from matl.backbones.optimizers import optimizer_problem


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MATL_CACHE_HOME", str(tmp_path))
    optimizer_problem.cache_clear()
    yield
    optimizer_problem.cache_clear()


def no_step(name: str) -> bool:
    raise AssertionError(f"{name} was tried")


@pytest.mark.parametrize("table", ["of this timm", "of another timm"])
def test_optimizer_problem__in_words(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if table == "of another timm":
        monkeypatch.setattr(optimizers, "shipped", lambda: None)
    assert optimizer_problem("adamw") is None
    problem = optimizer_problem("adamv")
    assert problem is not None
    assert problem.startswith("timm has no optimizer 'adamv'; did you mean 'adam")
    problem = optimizer_problem("adahessian")
    assert problem is not None
    assert problem.startswith("'adahessian' cannot be used here: ")
    assert "\n" not in problem


def test_optimizer_problem__of_the_table_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "take_step", no_step)
    assert optimizer_problem("adamw") is None


def test_optimizer_problem__is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "shipped", lambda: None)
    assert optimizer_problem("lion") is None
    optimizer_problem.cache_clear()
    monkeypatch.setattr(optimizers, "take_step", no_step)
    assert optimizer_problem("lion") is None


def test_shipped_names_are_those_of_timm() -> None:
    if table := shipped():
        assert list(table.optimizers) == optimizers.list_optimizers()
