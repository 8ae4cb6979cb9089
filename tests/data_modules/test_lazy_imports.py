"""Reading data sets loads neither torch nor what only drawing needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_modules import phantom

DRAWN = {"shapes": {"images": 60}, "xray": {"patients": 4}, "ct": {"patients": 6}}
READING = """
import importlib, pkgutil, sys
import data_modules
for module in pkgutil.walk_packages(data_modules.__path__, "data_modules."):
    if module.name.rpartition(".")[2] not in {skipped!r}:
        importlib.import_module(module.name)
{then}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running the code."""
    ran = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    return set(ran.stdout.split())


def test_only_the_loader_and_the_module_need_torch():
    names = loaded(READING.format(skipped={"loader", "module"}, then=""))
    assert {"data_modules", "pandas"} <= names
    assert not names & {"torch", "pytorch_lightning", "lightning", "matl"}


def test_the_registry_loads_no_data_set():
    code = "import sys, data_modules.registry; print(*sys.modules)"
    names = loaded(code)
    assert "data_modules.registry" in names
    assert not names & {"scipy", "skimage", "torch", "data_modules.phantom", "openpyxl"}
    assert {name for name in names if name.startswith("data_modules.sets.")} == {
        "data_modules.sets.union"
    }


@pytest.mark.parametrize("name", DRAWN)
def test_a_phantom_that_is_drawn_needs_no_scipy(tmp_path: Path, name: str):
    options = {**DRAWN[name], "size": 32}
    getattr(phantom, f"index_{name}")(tmp_path, **options)
    code = f"""
import sys
from data_modules.config import DataConfig
from data_modules.registry import load
load(DataConfig(name="phantom_{name}", root={str(tmp_path)!r}, options={options!r}), ".")
print(*sys.modules)
"""
    names = loaded(code)
    assert "data_modules.phantom" in names
    assert not names & {"scipy", "skimage", "torch"}
