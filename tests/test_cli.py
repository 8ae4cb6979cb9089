"""The command as a user types it: help, mistakes, and what each command prints."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from command import Matl, Shown
from conftest import REPOSITORY
from PIL import Image

from matl import __version__
from matl.orchestrator.data_files import LIST_COLUMNS

DEMO = str(REPOSITORY / "experiments" / "demo.yaml")
TINY = "the tiny experiment"


FOLDER = """
name: folder
backbone: {name: resnet10t, at_strides: [32]}
stages:
  diagnosis:
    part: 3
    task: diagnosis
    data: {name: folder, root: scans, positive: ill}
    size: 32
    epochs: 1
    batch_size: 4
chain: [diagnosis]
"""


def write_experiment(folder: Path) -> str:
    (folder / "folder.yaml").write_text(FOLDER)
    return "folder.yaml"


def write_images(folder: Path, classes: tuple[str, ...], number: int = 6) -> None:
    drawn = np.random.default_rng(crc32(folder.name.encode()))
    for name in classes:
        (folder / name).mkdir(parents=True)
        for image in range(number):
            pixels = drawn.integers(0, 256, (40, 40), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"50%{image} a.png")


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["plan"],
        ["config"],
        ["data"],
        ["evaluate"],
        ["predict"],
        ["explain"],
        ["export"],
        ["ablate"],
        ["report"],
        ["power"],
        ["weights", "inspect"],
        ["weights", "convert"],
        ["store", "list"],
        ["store", "show"],
        ["store", "remove"],
    ],
    ids=" ".join,
)
def test_every_command_has_help_with_an_example(
    matl: Matl, words: list[str], tmp_path: Path
) -> None:
    shown = matl(*words, "--help", folder=tmp_path)
    assert shown.returncode == 0
    assert f"Example: matl {' '.join(words)}" in shown.stdout


@pytest.mark.parametrize("words", [[], ["run"], ["config"], ["store"], ["store", "list"]], ids=str)
def test_h_is_help(matl: Matl, words: list[str], tmp_path: Path) -> None:
    short, long = (matl(*words, option, folder=tmp_path) for option in ("-h", "--help"))
    assert short == long
    assert short.returncode == 0
    assert "-h, --help" in short.stdout


def test_the_version_is_shown(matl: Matl, tmp_path: Path) -> None:
    assert matl("--version", folder=tmp_path).stdout == f"matl {__version__}\n"


def test_a_shell_can_complete_commands(tmp_path: Path) -> None:
    code = "import sys; sys.argv[0] = 'matl'; from matl.cli import main; main()"
    asked = {"_MATL_COMPLETE": "complete_bash", "COMP_WORDS": "matl sto", "COMP_CWORD": "1"}
    shown = []
    for words, variables in (([], asked), (["--help"], {})):
        command = [sys.executable, "-c", code, *words]
        environment = os.environ | variables
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=REPOSITORY, env=environment, check=True
        )
        shown.append(done.stdout)
    assert shown[0].split() == ["store"]
    assert "--install-completion" in shown[1]
    assert "--show-completion" in shown[1]


def test_settings_are_explained_without_an_experiment(matl: Matl, tmp_path: Path) -> None:
    shown = matl("config", "--reference", folder=tmp_path)
    assert shown.returncode == 0
    assert "stages.NAME.views.rotate" in shown.stdout
    page = matl("config", "--reference", "--markdown", folder=tmp_path).stdout
    assert page == (REPOSITORY / "docs" / "settings.md").read_text()
    nothing = matl("config", folder=tmp_path)
    assert nothing.returncode == 2
    assert "--reference" in nothing.stderr


def test_help_does_not_load_torch(tmp_path: Path) -> None:
    code = """
import sys, matl.cli
sys.argv = ["matl", "--help"]
try:
    matl.cli.main()
finally:
    print([name for name in ("torch", "pandas", "numpy", "rich") if name in sys.modules])
"""
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert shown.stdout.strip().endswith("[]")


def test_config_prints_the_resolved_experiment(matl: Matl, tmp_path: Path) -> None:
    shown = matl("config", DEMO, "backbone.operator=convolution", "seed=7", folder=tmp_path)
    assert "operator: convolution" in shown.stdout
    assert "seed: 7" in shown.stdout


def test_plan_trains_nothing_and_names_every_stage(
    matl: Matl, tiny_file: Path, tmp_path: Path
) -> None:
    shown = matl("plan", str(tiny_file), folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert all(name in shown.stdout for name in ("shapes", "lung", "diagnosis", "missing"))
    assert not [*(tmp_path / "store").glob("*/manifest.json")]


def test_data_counts_and_draws_a_sheet(matl: Matl, tmp_path: Path) -> None:
    write_images(tmp_path / "scans", ("ill", "well"))
    shown = matl("data", write_experiment(tmp_path), "--sheet", "sheet.png", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "12" in shown.stdout
    assert Image.open(tmp_path / "sheet.png").width > 100
    (tmp_path / "scans" / "ill" / "torn.png").write_bytes(b"\x89PNG")
    shown = matl("data", write_experiment(tmp_path), "--sheet", "torn.png", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr


def test_data_replaces_its_own_files_alone(matl: Matl, tmp_path: Path) -> None:
    write_images(tmp_path / "scans", ("ill", "well"))
    experiment = write_experiment(tmp_path)
    checked = ",".join((*LIST_COLUMNS, "checked by"))
    (tmp_path / "checked.csv").write_text(f"{checked}\n")
    (tmp_path / "labels.csv").write_text("path,label\nill/50%0 a.png,ill\n")
    scan = "scans/ill/50%0 a.png"
    for option, target, expected in (
        ("--duplicates", "labels.csv", "exists, and is no list of pairs that matl wrote"),
        ("--duplicates", "checked.csv", "exists, and is no list of pairs that matl wrote"),
        ("--duplicates", experiment, "exists, and is no list of pairs that matl wrote"),
        ("--duplicates", scan, "exists, and is no list of pairs that matl wrote"),
        ("--duplicates", "scans", "--duplicates scans: is a folder; name a file in it"),
        ("--duplicates", "nowhere/pairs.csv", "there is no folder nowhere"),
        ("--sheet", scan, "exists, and is no contact sheet that matl wrote"),
        ("--sheet", experiment, "end its name in .png"),
    ):
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        shown = matl("data", experiment, option, target, folder=tmp_path)
        assert expected in one_line(shown)
        assert not shown.stdout
        after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        assert after == before
    both = ("--sheet", "one.png", "--duplicates", "one.png")
    assert "name a CSV file" in one_line(matl("data", experiment, *both, folder=tmp_path))
    for _ in range(2):
        words = ("--sheet", "sheet.png", "--duplicates", "pairs.csv")
        assert matl("data", experiment, *words, folder=tmp_path).returncode == 0


def test_a_run_without_a_test_split_and_its_store(matl: Matl, tmp_path: Path) -> None:
    for split in ("train", "val"):
        write_images(tmp_path / "scans" / split, ("ill", "well"))
    words = ["run", write_experiment(tmp_path), "data_root=../Jane Doe/x", "chain=[ diagnosis ]"]
    done = matl(*words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "val split" in done.stdout
    [run] = (tmp_path / "runs").iterdir()
    typed = shlex.split(json.loads((run / "record.json").read_text())["command"])
    assert typed == ["matl", *words[:2], "data_root=…/x", words[3]]
    page = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    assert "report.html" in matl("report", str(run), folder=tmp_path).stdout
    assert (run / "report.html").read_bytes() == page
    listed = matl("store", "list", folder=tmp_path).stdout
    [entry] = [path.parent.name for path in (tmp_path / "store").glob("*/manifest.json")]
    assert entry in listed
    shown = matl("store", "show", entry[:4], folder=tmp_path).stdout
    assert json.loads(shown)["task"] == "diagnosis"
    assert matl("store", "remove", entry, folder=tmp_path).returncode == 0
    assert entry not in matl("store", "list", folder=tmp_path).stdout


def test_copies_of_training_images_are_not_tested_on(matl: Matl, tmp_path: Path) -> None:
    """Images of the same pixels are the same, in whatever format."""
    write_images(tmp_path / "scans" / "train", ("ill", "well"))
    for file in (tmp_path / "scans" / "train").rglob("*.png"):
        copy = tmp_path / "scans" / "test" / file.parent.name / f"{file.stem}.bmp"
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.open(file).save(copy)
    shown = matl("plan", write_experiment(tmp_path), folder=tmp_path)
    assert "12 pairs of identical images are in two splits" in one_line(shown)


def test_a_class_that_cannot_be_read_is_told_before_training(matl: Matl, tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_images(tmp_path / "scans" / split, ("ill", "well"))
    for file in (tmp_path / "scans" / "train" / "ill").iterdir():
        file.write_bytes(b"\x89PNG")
    skip = "stages.diagnosis.data.on_bad_image=skip"
    shown = matl("run", write_experiment(tmp_path), skip, folder=tmp_path)
    assert "no training image is of the class 'ill'" in one_line(shown)


@pytest.mark.parametrize("gone", ["well", "ill"])
def test_a_class_whose_files_are_passed_over_is_refused_with_their_kind(
    matl: Matl, tmp_path: Path, gone: str
) -> None:
    for split in ("train", "test"):
        write_images(tmp_path / "scans" / split, ("ill", "well"))
    for file in (tmp_path / "scans" / "train" / gone).iterdir():
        file.rename(file.with_suffix(".npy"))
    shown = matl("plan", write_experiment(tmp_path), folder=tmp_path)
    assert shown.returncode == 2
    assert f"is of the class '{gone}'; 6 files that are no images here are passed" in one_line(
        shown
    )


def test_power_says_what_it_assumes(matl: Matl, tmp_path: Path) -> None:
    words = ("power", "--patients", "95", "--images", "2.1")
    even, rare = (
        matl(*words, "--positives", share, folder=tmp_path).stdout.splitlines()
        for share in ("0.5", "0.1")
    )
    assert matl(*words, folder=tmp_path).stdout.splitlines() == even
    assert [line.split(": ")[0] for line in even[:2]] == [
        "a transfer gain",
        "a difference of two gains",
    ]
    assert even[2].startswith("assumed: 50 % of the images positive; AUROC 0.8, 0.02 its")
    assert rare[2].startswith("assumed: 10 % of the images positive")
    least = [float(lines[0].split()[3]) for lines in (even, rare)]
    assert least[1] > 1.5 * least[0]
    mixed = matl("power", "--like", "x", "--auroc", "0.9", folder=tmp_path)
    assert "--auroc: is measured with --like" in one_line(mixed)


def test_a_store_that_is_not_there_is_not_made(matl: Matl, tmp_path: Path) -> None:
    shown = matl("store", "list", "--store", "typo", folder=tmp_path)
    assert "typo: there is no such store" in one_line(shown)
    assert not (tmp_path / "typo").exists()


def one_line(shown: Shown) -> str:
    assert shown.returncode == 2, shown.stdout + shown.stderr
    assert "Traceback" not in shown.stderr
    assert len(shown.stderr.strip().splitlines()) == 1, shown.stderr
    return shown.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "nowhere.yaml"], "no such file"),
        (["run", TINY, "stages.lung.epochs=-1"], "at least 1"),
        (["plan", TINY, "stages.diagnosis.data={name: covid_ct}"], "covid_ct"),
        (["plan", TINY, "backbone.weights=nowhere.safetensors"], "nowhere.safetensors"),
        (["data", TINY, "--sheet", "sheet.txt"], "end its name in .png"),
        (["store", "show", "abc"], "no such store"),
        (["evaluate", "nowhere", "--data", "folder:x"], "no folder of a finished run"),
        (["plan", TINY, "trainer.accelerator=gpu"], "name devices and precision"),
        (["plan", TINY, "trainer.precision=16-mixed"], "needs a GPU"),
        (["plan", TINY, "trainer.devices=4", "stages.lung.batch_size=4"], "at least 8"),
        (["run", TINY, "trainer.devices=2", "trainer.accelerator=gpu"], "torch sees 0 GPUs"),
        (["predict", "nowhere", "scans"], "nowhere: holds no finished stage"),
        (["explain", "nowhere"], "no folder of a finished run"),
        (["export", "nowhere", "--to", "folder"], "holds no finished stage"),
        (["export", "nowhere", "--to", "keras"], "the forms are folder, onnx"),
        (["report", "nowhere"], "holds no finished run or ablation"),
        (["plan", TINY, "stages.diagnosis.data.options={patient: 9}"], "patients"),
        (["plan", TINY, "stages.diagnosis.data.positive=covid19"], "covid19"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(
    matl: Matl, words: list[str], expected: str, tiny_file: Path
) -> None:
    words = [str(tiny_file) if word == TINY else word for word in words]
    assert expected in one_line(matl(*words, folder=tiny_file.parent))


def test_bad_images_are_listed_before_training(matl: Matl, tmp_path: Path) -> None:
    write_images(tmp_path / "scans", ("ill", "well"), number=10)
    broken = ("ill/50%0 a.png", "well/50%3 a.png")
    for name in broken:
        (tmp_path / "scans" / name).write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    experiment = write_experiment(tmp_path)
    stopped = matl("run", experiment, folder=tmp_path)
    assert stopped.returncode == 2
    assert all(name in stopped.stderr for name in broken)
    assert "epoch" not in stopped.stdout
    skip = "stages.diagnosis.data.on_bad_image=skip"
    skipped = matl("run", experiment, skip, folder=tmp_path)
    assert skipped.returncode == 0, skipped.stderr
    [report] = (tmp_path / "runs").glob("*/report.md")
    assert "2 images" in report.read_text()


def test_a_mistake_ends_the_process_with_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "matl.cli", "run", "nowhere.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: nowhere.yaml: no such file; name an experiment's YAML file\n"
