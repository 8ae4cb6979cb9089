"""A chain that would see held-out patients or copies of their images is refused."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import Load, run_quietly

from data_modules.config import DataConfig
from data_modules.errors import DataError
from matl.errors import MatlError
from matl.orchestrator.plan import make_plan

DIAGNOSIS = "chain=[diagnosis]"
OUTSIDE = """
from data_modules.samples import SPLITS
from matl.stages.diagnosis.task import Diagnosis
from matl.stages.source.task import Source
from matl.stages.ssl.multi_scale.method import MultiScale


class Seeing:
    @classmethod
    def training_splits(cls, config):
        return {splits}


class Eager(Seeing, Source):
    VERSION = 1


class Fitted(Seeing, Diagnosis):
    VERSION = 1


class Method(Seeing, MultiScale):
    @classmethod
    def select(cls, samples, config):
        return samples
"""


def test_self_supervision_never_sees_held_out_patients(load_tiny: Load) -> None:
    plan = make_plan(load_tiny())
    lung, diagnosis = plan.chain[1].samples, plan.chain[2].samples
    held_out = diagnosis.table[diagnosis.table["split"] != "train"]
    assert not set(lung.table["patient"]) & set(held_out["patient"])


def test_a_chain_that_leaks_is_refused(load_tiny: Load) -> None:
    kfold = ["stages.diagnosis.data.split=kfold", "stages.diagnosis.data.folds=2"]
    with pytest.raises(MatlError, match=r"stages\.lung\.data: trains on \d+ patients") as error:
        make_plan(load_tiny(*kfold))
    assert str(error.value).endswith("same split, or say transductive: true")
    source = ["chain=[shapes,diagnosis]", "stages.shapes.data=${stages.lung.data}"]
    with pytest.raises(MatlError, match=r"give both stages the same split$"):
        make_plan(load_tiny(*kfold, *source))
    make_plan(load_tiny(*kfold, "stages.lung.data=${stages.diagnosis.data}"))


def test_copies_of_held_out_images_are_refused(load_tiny: Load, tmp_path: Path) -> None:
    samples = make_plan(load_tiny(DIAGNOSIS)).chain[0].samples
    held_out = samples.subset(samples.table["split"] == "test").files()
    for number, file in enumerate(held_out):
        folder = tmp_path / "copies" / "train" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / f"copy{number}.png")
    experiment = load_tiny()
    experiment.stages["lung"].data = DataConfig(name="folder", root=str(tmp_path / "copies"))
    with pytest.raises(MatlError, match=f"trains on {len(held_out)} images that diagnosis holds"):
        make_plan(experiment)


PUBLISHED = """
import pandas as pd

from data_modules.samples import Samples


def index(root, published=True):
    table = pd.read_csv(root / "samples.csv", dtype=str).assign(study="", source="scans")
    kept = ("scans",) if published else ()
    return Samples(root, table, classes=("b", "a"), positive="a", published=kept)
"""


@pytest.fixture
def seeing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A module of the user's whose tasks train on more splits than the training split."""
    (tmp_path / "seeing_tasks.py").write_text(OUTSIDE.format(splits=request.param))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    del sys.modules["seeing_tasks"]


@pytest.mark.parametrize(
    "seeing", ["('train', 'test')", "['train', 'val', 'test']", "SPLITS"], indirect=True
)
@pytest.mark.usefixtures("seeing")
def test_a_task_from_outside_must_not_train_on_held_out_images(load_tiny: Load) -> None:
    own = ["chain=[shapes,diagnosis]", "stages.shapes.data=${stages.diagnosis.data}"]
    expected = r"stages\.shapes\.data: trains on \d+ patients that diagnosis holds out .*; its task"
    with pytest.raises(MatlError, match=expected + " trains on the splits train, .*alone$"):
        make_plan(load_tiny(*own, "stages.shapes.task=seeing_tasks:Eager"))
    method = ["chain=[lung,diagnosis]", "stages.lung.method=seeing_tasks:Method"]
    with pytest.raises(MatlError, match=r"alone, or say transductive: true$"):
        make_plan(load_tiny(*method))
    make_plan(load_tiny(*method, "stages.lung.transductive=true"))
    with pytest.raises(MatlError, match=r"stages\.diagnosis\.task: seeing_tasks:Fitted trains on"):
        make_plan(load_tiny(DIAGNOSIS, "stages.diagnosis.task=seeing_tasks:Fitted"))


def write_csv(root: Path, copied: str) -> DataConfig:
    """Images of named patients, train and test; `copied` under another name is in both."""
    root.mkdir()
    rows = ["path,label,patient,split"]
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32), dtype=np.uint8)
        if number == 11 and copied == "near":
            pixels = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8) // 2
        Image.fromarray(pixels).save(root / f"{number}.png")
        split = "train" if number < 6 else "test"
        rows.append(f"{number}.png,{'ab'[number % 2]},p{number},{split}")
    if copied == "pixels":
        Image.open(root / "0.png").save(root / "1.png", compress_level=0)
    if copied in ("bytes", "label"):
        shutil.copy(root / "0.png", root / ("1.png" if copied == "label" else "10.png"))
    (root / "samples.csv").write_text("\n".join(rows))
    return DataConfig(name="csv", root=str(root), positive="a")


@pytest.mark.parametrize(
    ("copied", "message"),
    [
        ("bytes", r"1 pairs of identical images are in two splits, such as 0\.png \(train\)"),
        ("label", r"2 images are in two classes \(such as 0\.png, a, and 1\.png, b, the same file"),
        ("pixels", r"2 images are in two classes \(such as 0\.png, a, and 1\.png, b, the same pix"),
    ],
)
def test_one_image_under_two_names_is_refused(
    load_tiny: Load, tmp_path: Path, copied: str, message: str
) -> None:
    experiment = load_tiny(DIAGNOSIS)
    experiment.stages["diagnosis"].data = write_csv(tmp_path / "set", copied)
    with pytest.raises(MatlError, match=message):
        make_plan(experiment)


def test_nearly_identical_images_of_two_patients_are_listed(
    load_tiny: Load, tmp_path: Path
) -> None:
    experiment = load_tiny(DIAGNOSIS)
    experiment.stages["diagnosis"].data = write_csv(tmp_path / "set", "near")
    plan = make_plan(experiment)
    assert plan.alike[["stage", "path", "other_path"]].to_numpy().tolist() == [
        ["diagnosis", "0.png", "11.png"]
    ]
    _, folder, shown = run_quietly(experiment)
    assert "WARNING: diagnosis has 1 pair of nearly identical images across splits" in shown
    assert "(different labels in 1 of these pairs)" in " ".join(shown.split())
    assert "0.png,train,11.png,test,near" in (folder / "near_duplicates.csv").read_text()
    assert "pair of nearly identical images" in (folder / "report.md").read_text()


def test_nearly_identical_images_of_an_earlier_stage_are_listed(
    load_tiny: Load, tmp_path: Path
) -> None:
    samples = make_plan(load_tiny(DIAGNOSIS)).chain[0].samples
    held_out = samples.subset(samples.table["split"] == "test").files()
    for number, file in enumerate(held_out):
        folder = tmp_path / "copies" / "train" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.open(file).save(folder / f"copy{number}.jpg", quality=80)
    experiment = load_tiny()
    experiment.stages["lung"].data = DataConfig(name="folder", root=str(tmp_path / "copies"))
    found = make_plan(experiment).alike
    assert len(found[found["stage"] == "lung"]) >= len(held_out)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataConfig]:
    """A set whose published split has a person, and an image, in training and in test."""
    (tmp_path / "published_scans.py").write_text(PUBLISHED)
    monkeypatch.syspath_prepend(tmp_path)
    data = write_csv(tmp_path / "set", "bytes")
    table = tmp_path / "set" / "samples.csv"
    table.write_text(table.read_text().replace("p9,", "p3,"))
    yield replace(data, name="published_scans:index")
    del sys.modules["published_scans"]


def test_the_leaks_of_a_published_split_are_listed_and_not_refused(
    load_tiny: Load, published: DataConfig
) -> None:
    experiment = load_tiny("chain=[lung,diagnosis]")
    experiment.stages["diagnosis"].data = experiment.stages["lung"].data = published
    plan = make_plan(experiment)
    notes = " ".join(plan.chain[-1].samples.notes)
    assert "1 persons are in several parts of it: p3 (train 1, test 1); 1 test images" in notes
    own = plan.alike[(plan.alike["stage"] == "diagnosis") & (plan.alike["kind"] == "exact")]
    assert own[["path", "other_path"]].to_numpy().tolist() == [["0.png", "10.png"]]


def test_the_same_split_is_refused_where_it_is_not_a_published_one(
    load_tiny: Load, published: DataConfig
) -> None:
    experiment = load_tiny(DIAGNOSIS)
    experiment.stages["diagnosis"].data = replace(published, options={"published": False})
    with pytest.raises(DataError, match="1 patients are in two splits, for example 'p3'"):
        make_plan(experiment)
    experiment.stages["diagnosis"].data = replace(published, name="csv")
    with pytest.raises(DataError, match="1 patients are in two splits, for example 'p3'"):
        make_plan(experiment)


def test_a_published_split_excuses_no_other_person(
    load_tiny: Load, published: DataConfig, tmp_path: Path
) -> None:
    table = tmp_path / "set" / "samples.csv"
    table.write_text(table.read_text().replace("8.png,a,p8,test", "8.png,a,p8,train"))
    experiment = load_tiny("chain=[lung,diagnosis]")
    experiment.stages["lung"].data = published
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "set", other)
    listed = (other / "samples.csv").read_text()
    (other / "samples.csv").write_text(listed.replace("8.png,a,p8,train", "8.png,a,p8,test"))
    experiment.stages["diagnosis"].data = replace(published, root=str(other))
    with pytest.raises(
        MatlError, match=r"lung\.data: trains on 1 patients .*\(such as p8 of scans"
    ):
        make_plan(experiment)


def test_the_test_split_stands_beside_itself_without_its_leaks(
    load_tiny: Load, published: DataConfig
) -> None:
    experiment = load_tiny(DIAGNOSIS)
    experiment.stages["diagnosis"].data = published
    record, folder, shown = run_quietly(experiment)
    assert record.scored.leaking == {("scans", "p3"), ("scans", "p10")}  # p10: a copy of p0
    words = " ".join(shown.split())
    page = (folder / "report.html").read_text()
    assert "without 2 test images of 2 persons in another split, too" in page
    assert "p3 (train 1, test 1)" in words
    assert "p3 (train 1, test 1)" in page
