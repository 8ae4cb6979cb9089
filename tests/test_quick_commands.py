"""Commands that train nothing answer without the libraries that training needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from tiny import write_tiny

HEAVY = ("torch", "pytorch_lightning", "monai", "timm", "scipy.stats", "wandb", "lightly")
DEMO = str(REPOSITORY / "experiments" / "demo.yaml")
WATCHED = """
import json, sys
from pathlib import Path
import matl.cli
sys.argv = ["matl", *sys.argv[1:]]
code = 0
try:
    matl.cli.main()
except SystemExit as end:
    code = end.code or 0
finally:
    status = Path("/proc/self/status")  # getrusage would count what the parent held at the fork
    lines = status.read_text().splitlines() if status.is_file() else []
    peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    with open("watched.json", "w") as file:
        json.dump({"modules": sorted(sys.modules), "code": code, "peak": peak}, file)
"""
PEAK_KB = 200_000


def watched(words: list[str], folder: Path) -> dict[str, object]:
    """Runs a command in a fresh interpreter.

    Returns:
        `modules` that it imported, its exit `code`, and its `peak` memory in kB (0: not known).
    """
    command = [sys.executable, "-c", WATCHED, *words]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    found = json.loads((folder / "watched.json").read_text())
    assert found["code"] == 0, done.stdout + done.stderr
    return found


def imported(found: dict[str, object]) -> list[str]:
    modules = found["modules"]
    assert isinstance(modules, list)
    return [name for name in HEAVY if name in modules]


def assert_quick(found: dict[str, object]) -> None:
    assert imported(found) == []
    assert isinstance(found["peak"], int)
    assert found["peak"] < PEAK_KB


@pytest.mark.parametrize("words", [["--help"], ["config", DEMO]], ids=["--help", "config"])
def test_reading_settings(words: list[str], tmp_path: Path) -> None:
    assert_quick(watched(words, tmp_path))


def test_listing_networks(tmp_path: Path) -> None:
    assert_quick(watched(["networks", "monai/"], tmp_path))


def test_listing_methods(tmp_path: Path) -> None:
    assert_quick(watched(["methods"], tmp_path))


def test_listing_the_public_data_sets(tmp_path: Path) -> None:
    assert_quick(watched(["data", "list"], tmp_path))
    assert_quick(watched(["data", "describe", "covid_ct"], tmp_path))


def test_listing_the_store(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    assert_quick(watched(["store", "list"], tmp_path))


@pytest.mark.parametrize("network", ["resnet10t", "monai/resnet10"])
@pytest.mark.parametrize("operator", ["attention", "none"])
def test_planning_what_was_planned_before(
    operator: str, network: str, tmp_path: Path, phantom_root: Path
) -> None:
    words = ["plan", str(write_tiny(tmp_path, phantom_root))]
    words += [f"backbone.operator={operator}", f"backbone.name={network}"]
    watched(words, tmp_path)
    assert_quick(watched(words, tmp_path))


MODULES = (
    "data_modules.registry",
    "matl.backbones",
    "matl.backbones.accounts",
    "matl.backbones.checks",
    "matl.backbones.cost",
    "matl.backbones.maps",
    "matl.backbones.optimizers",
    "matl.config",
    "matl.lung_regions",
    "matl.orchestrator.nodes",
    "matl.orchestrator.resources",
    "matl.orchestrator.wandb_logger",
    "matl.orchestrator.wandb_run",
    "matl.preemption",
    "matl.seeding",
    "matl.terminal",
    "matl.view_settings",
)


def test_modules_that_need_no_training() -> None:
    code = f"import sys, {', '.join(MODULES)}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_names_of_backbones_are_found_where_they_are_used() -> None:
    from matl import backbones

    assert all(hasattr(backbones, name) for name in backbones.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'build_backbon'"):
        _ = backbones.build_backbon
