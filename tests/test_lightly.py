"""What matl imports of lightly is there: losses have disappeared between its minor versions."""

import ast
import importlib

import pytest
from conftest import REPOSITORY


def imported() -> list[tuple[str, str]]:
    """Every name that a module of matl imports from lightly, with the module it comes from."""
    found = set()
    for file in (REPOSITORY / "matl").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lightly"):
                found |= {(node.module, alias.name) for alias in node.names}
            assert not (
                isinstance(node, ast.Import)
                and any(alias.name.startswith("lightly") for alias in node.names)
            ), f"{file}: import names from lightly, so that they are checked here"
    return sorted(found)


def test_losses_and_heads_are_among_them() -> None:
    names = {name for _, name in imported()}
    assert {"NTXentLoss", "VICRegLoss", "SwaVLoss", "DINOLoss", "update_momentum"} <= names


@pytest.mark.parametrize(("module", "name"), imported())
def test_a_name_is_in_the_installed_lightly(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)
