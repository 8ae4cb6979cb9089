"""`matl audit`: findings, page, tables and exit codes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import Matl
from drawn_lungs import phantom_slices
from PIL import Image

import matl
from benchmarks.planted_copies import PLANTED
from matl.report.audit_files import write_audit


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three copies, an unreadable file and a plain image among the slices of 48 persons."""
    root = tmp_path_factory.mktemp("scans")
    random = np.random.default_rng(0)
    images = [image for image, _ in phantom_slices(52)][::3][:48]
    for number, image in enumerate(images):
        label, split = ("covid", "normal")[number % 2], ("train", "test")[number // 2 % 2]
        bordered = np.pad(image, ((20, 0), (0, 0))) if label == "covid" else image
        save(root / split / label / f"{number:03}.png", bordered)
    part = PLANTED["cropped by 30 %"](images[1], random)
    save(root / "test" / "normal" / "across.png", part)
    save(root / "train" / "covid" / "two.png", PLANTED["mirrored"](images[5], random))
    save(root / "train" / "normal" / "plain.png", np.full((96, 96), 90, np.uint8))
    (root / "train" / "normal" / "broken.png").write_bytes(b"no image")
    return root


@pytest.fixture(scope="module")
def audited(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the audit of the scans in `found`, and the cache that it left."""
    folder = tmp_path_factory.mktemp("audited")
    audits = matl.audit_data_set("folder", scans, cache=folder / "cache")
    write_audit(audits, folder / "found", "matl audit")
    return folder


def save(file: Path, image: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(image)).save(file)


def test_what_was_planted_is_found_and_ranked(audited: Path) -> None:
    found = pd.read_csv(audited / "found" / "findings.csv").set_index("finding")
    counts = found["count"].to_dict()
    assert {name: counts[name] for name in ("copies_across_splits", "two_labels")} == {
        "copies_across_splits": 1,
        "two_labels": 1,
    }
    assert counts["unreadable"] == counts["no_contrast"] == 1
    assert "can be read from size alone" in found.loc["shortcut", "text"]  # a border adds rows
    grades = found["grade"].tolist()
    assert grades == sorted(grades, key=["serious", "warning", "note"].index)
    rows = pd.read_csv(audited / "found" / "rows.csv").set_index("finding")
    assert {rows.loc["copies_across_splits", name] for name in ("path", "other_path")} == {
        "train/normal/001.png",
        "test/normal/across.png",
    }
    assert rows.loc["unreadable", "path"] == "train/normal/broken.png"


def test_the_page_shows_pairs_and_asks_for_nothing(audited: Path, scans: Path) -> None:
    page = (audited / "found" / "audit.html").read_text()
    assert page.count('<img alt="across.png" src="data:image/jpeg;base64,') == 1
    assert "cannot be read here" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert str(scans) not in page


@pytest.fixture
def typed(request: pytest.FixtureRequest) -> Matl:
    """The command, under a name that is not the package's."""
    return request.getfixturevalue("matl")


def test_strict_fails_and_a_second_audit_says_the_same(
    audited: Path, scans: Path, typed: Matl
) -> None:
    before = (audited / "found" / "findings.csv").read_bytes()
    words = ("--data", "folder", "--root", str(scans), "--to", "found", "--strict")
    shown = typed("audit", *words, folder=audited)
    assert shown.returncode == 1
    assert "2 serious findings" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "Page: found/audit.html"
    assert (audited / "found" / "findings.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name an experiment's YAML file, or a data set by --data and --root"),
        (["--data", "folder"], "--data folder: name its folder by --root"),
        (["--root", "scans"], "--root scans: name the data set in it by --data"),
        (["--data", "folder", "--root", "nowhere"], "nowhere"),
        (["--data", "folder", "--root", "nowhere", "--split", "cleen"], "did you mean 'clean'"),
        (["x.yaml", "--split", "clean"], "goes with --data; of an experiment write stages.NAME."),
        (["x.yaml", "--cache", "kept"], "goes with --data; of an experiment write cache=kept"),
        (["--to", "mine", "x.yaml"], "--to mine: holds thesis.txt, which no audit wrote"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str, typed: Matl, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    shown = typed("audit", *words, folder=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert message in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_an_experiment_is_audited_with_its_stages(
    tiny_file: Path, typed: Matl, tmp_path: Path
) -> None:
    shown = typed("audit", str(tiny_file), folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "audit" / "audit.html").is_file()
    assert "images" in shown.stdout.splitlines()[-2]
