"""What is shipped runs: each experiment and ablation for a few steps, each README command."""

import dataclasses
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import timm
import torch
from conftest import REPOSITORY
from PIL import Image
from readme import COMMANDS
from scan_files import write_series
from tiny import console_of, run_quietly
from typer.testing import CliRunner

from matl.ablation.load import load_ablation
from matl.ablation.run import run_ablation
from matl.cli import app
from matl.config import load_experiment

EXPERIMENTS = sorted((REPOSITORY / "experiments").glob("*.yaml"))
ABLATIONS = [  # those that extend another differ in the size alone
    file
    for file in sorted((REPOSITORY / "experiments" / "ablations").glob("*.yaml"))
    if "extends:" not in file.read_text()
]
IMAGES = "{name: phantom_shapes, union: [], options: {images: 60, size: 64}}"
XRAYS = "{name: phantom_xray, union: [], options: {patients: 24, size: 64}}"
SCANS = "{name: phantom_ct, union: [], options: {patients: 48, slices: 1, size: 64}}"
DATA = {"natural": IMAGES, "shapes": IMAGES, "chest_xray": XRAYS, "xray": XRAYS}


def small(experiment: Path, folder: Path) -> list[str]:
    """Overrides for a few steps a stage: phantom images in the public ones' place, 8 a batch."""
    words = [f"{name}={folder / name}" for name in ("data_root", "store", "cache", "runs")]
    for name in load_experiment(experiment).stages:
        settings = {"data": DATA.get(name, SCANS), "epochs": 1, "batch_size": 8}
        words += [f"stages.{name}.{key}={value}" for key, value in settings.items()]
    return words


@pytest.mark.slow
@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_a_shipped_experiment_trains(file: Path, tmp_path: Path) -> None:
    record, _, _ = run_quietly(load_experiment(file, small(file, tmp_path)))
    assert [row.name for row in record.stages if row.seconds][-1] == "diagnosis, from scratch"
    assert record.scored.results("test")


@pytest.mark.slow
@pytest.mark.parametrize("file", ABLATIONS, ids=lambda file: file.stem)
def test_a_shipped_ablation_trains(file: Path, tmp_path: Path) -> None:
    """With one seed, two folds and a small network; the fewest labels that it asks for leave too
    few here, and weights from the internet and other scans are not at hand."""
    ablation = load_ablation(file)
    folds = {
        name: dataclasses.replace(split, folds=min(split.folds, 2), repeats=1)
        for name, split in ablation.splits.items()
    }
    shares = [share for share in ablation.fractions if share >= 0.5]
    arms = {name: one for name, one in ablation.arms.items() if "backbone.weights=timm" not in one}
    regimes = {name: one for name, one in ablation.regimes.items() if not needs_real(one.overrides)}
    if not set(ablation.analysis.comparison) <= set(arms):
        analysis = dataclasses.replace(ablation.analysis, comparison=list(arms)[:1])
        ablation = dataclasses.replace(ablation, analysis=analysis)
    ablation = dataclasses.replace(
        ablation, arms=arms, regimes=regimes, seeds=[0], fractions=shares, splits=folds
    )
    words = small(Path(ablation.experiment), tmp_path)
    if not any("backbone.name" in word for arm in ablation.arms.values() for word in arm):
        words += ["backbone.name=resnet10t", "backbone.weights=null"]
    if any(".average=" in word for arm in ablation.arms.values() for word in arm):
        words.append("stages.diagnosis.epochs=4")
    if any(".thin." in word for one in ablation.regimes.values() for word in one.overrides):
        scans = "data.options={patients: 24, slices: 4, size: 64}"  # some that resemble another one
        words += [f"stages.{name}.{scans}" for name in ("lung", "diagnosis")]
    folder, failures = run_ablation(ablation, words, console_of()[0])
    assert not failures
    assert "missing" not in (folder / "cells.csv").read_text()


def needs_real(overrides: list[str]) -> bool:
    """Whether a regime chooses other scans, which phantom images in their place would undo."""
    chooses = any(word.startswith("stages.lung.data.") for word in overrides)
    return chooses and not any(".thin.distance=" in word for word in overrides)


ELSEWHERE = (
    *(" sweep ", " --root data/", "wandb=online", "trainer.devices=8", "checkpoint.pth"),
    *(" --coverage ", " --model ", " NAME", "…"),
)
"""What needs W&B, public data, devices, foreign weights or other models has tests of its own.

What has an ellipsis or a capital NAME is no command as it stands.
"""


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are typed, after a run, on few images."""
    monkeypatch.chdir(tmp_path)
    os.symlink(REPOSITORY / "experiments", "experiments")
    torch.save(timm.create_model("resnet50").state_dict(), "checkpoint.pth")
    write_hospital(tmp_path / "other_hospital")
    write_hospital(tmp_path / "scans")
    write_series(tmp_path / "hospital", [0, 3, 6])
    for name in ("a.png", "b.png"):
        shutil.copy(tmp_path / "scans" / "covid" / "0.png", name)
    Path("list.csv").write_text("path\na.png\n")
    type_command("matl init scans", [])
    demo = Path("experiments/demo.yaml")
    type_command(f"matl run {demo}", small(demo, tmp_path))
    [run] = (tmp_path / "runs").iterdir()
    shutil.copytree(run, run.parent / "demo-5e6f7a8b")
    typed = [command for command in COMMANDS if len(command.split()) > 2 or "list" in command]
    for command in typed:
        if any(word in command for word in (*ELSEWHERE, " init ")):
            continue
        files = re.findall(r"\S+\.yaml", command)
        source = "experiments/covid_ct_resnet18.yaml" if "ablations" in command else "".join(files)
        own = ["--dry-run"] if " ablate " in command else []
        own += small(Path(source), tmp_path) if files else []
        shutil.rmtree("predictions", ignore_errors=True)
        type_command(command.replace("runs/demo-1a2b3c4d", f"runs/{run.name}"), own)


def type_command(command: str, more: list[str]) -> None:
    done = CliRunner().invoke(app, [*shlex.split(command)[1:], *more])
    assert done.exit_code == 0, f"{command}: {done.output}\n{done.exception}"


def write_hospital(folder: Path) -> None:
    for number, label in enumerate(("covid", "other") * 3):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.new("L", (48, 40), 30 * number).save(folder / label / f"{number}.png")
