"""What the README tells its readers to type is real."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from readme import COMMANDS, PAGES, README
from typer.testing import CliRunner

from matl.ablation.load import load_ablation
from matl.cli import app
from matl.config import load_experiment
from matl.sweep import load_sweep

TARGETS = sorted(set(re.findall(r"(?m)(?:^|`)make ([a-z0-9-]+)", PAGES)))
SETTINGS = sorted(set(re.findall(r"`([a-z_.]+=[^` ]+)`", PAGES)))
DATA_COMMANDS = [["data", one] for one in ("list", "describe", "check", "studies")]
WRITTEN = "scans.yaml"
"""What `matl init scans` writes: the template."""
SHIPPED = sorted(
    file
    for file in (REPOSITORY / "experiments").rglob("*.yaml")
    if file.parent.name != "locked"  # those are extended alone
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists_and_takes_these_words(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands on an experiment are resolved; of the others the name and options are checked."""
    words = shlex.split(command)[1:]
    settings = [word for word in words if "=" in word]
    files = [word for word in words if word.endswith(".yaml")]
    files = ["experiments/own_images.yaml" if one == WRITTEN else one for one in files]
    monkeypatch.chdir(REPOSITORY)
    if words[0] == "ablate":
        load_ablation(REPOSITORY / files[0])
    elif words[0] == "sweep" and files:
        load_sweep(Path(files[0]))
    elif files:
        load_experiment(REPOSITORY / files[0], settings)
    in_a_group = words[0] in ("store", "weights") or words[:2] in DATA_COMMANDS
    help_page = CliRunner().invoke(app, [*words[: 2 if in_a_group else 1], "--help"])
    assert help_page.exit_code == 0
    assert all(word in help_page.output for word in words if word.startswith("--"))


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_exists(setting: str) -> None:
    load_experiment(REPOSITORY / "experiments" / "demo.yaml", [setting])


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_exists(target: str) -> None:
    listed = subprocess.run(
        ["make", "-s", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert re.search(rf"(?m)^  make .*\b{target}\b", listed.stdout)


def test_the_experiment_in_the_readme_can_be_run(tmp_path: Path) -> None:
    text = re.search(r"```yaml\n(.+?)```", README, re.S).group(1)
    (tmp_path / "readme.yaml").write_text(text)
    assert load_experiment(tmp_path / "readme.yaml", []).chain == yaml.safe_load(text)["chain"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_experiment_begins_with_its_command(file: Path) -> None:
    comment = file.read_text().splitlines()[0]
    assert str(file.relative_to(REPOSITORY)) in comment or f"make {file.stem}" in comment
