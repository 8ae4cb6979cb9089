import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from data_modules.config import DataConfig, ThinConfig
from data_modules.errors import DataError
from data_modules.registry import DATASETS, find_index, list_data_sets, load


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """Two labelled sets of the same classes, one of other classes, one without labels."""
    for name, classes in {"first": "ab", "second": "ab", "third": "bc", "plain": [""]}.items():
        for label in classes:
            for number in range(12):
                path = tmp_path / name / label / f"{number} %.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((8, 8), number, dtype=np.uint8)).save(path)
    return tmp_path


def member(data_root: Path, name: str, **settings: object) -> dict:
    return {"name": "folder", "root": str(data_root / name), **settings}


def images(samples, split: str) -> set[str]:
    return set(samples.table.loc[samples.table["split"] == split, "path"])


def test_settings_come_from_a_yaml_file(data_root: Path):
    given = OmegaConf.create({"name": "folder", "root": str(data_root / "first"), "positive": "b"})
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(DataConfig), given))
    assert isinstance(config, DataConfig)
    samples = load(config, data_root)
    assert samples.positive == "b"
    assert len(samples) == 24


def test_the_default_root_is_below_data_root(data_root: Path):
    (data_root / "first").rename(data_root / "folder")
    assert len(load(DataConfig(name="folder"), data_root)) == 24


def test_split_seed_reaches_a_data_set_without_an_own_split(data_root: Path):
    configs = [
        DataConfig(name="folder", root=str(data_root / "first"), split_seed=seed)
        for seed in (0, 0, 1)
    ]
    tested = [images(load(config, data_root), "test") for config in configs]
    assert tested[0] == tested[1] != tested[2]


def test_kfold_tests_every_image_once(data_root: Path):
    parts = [
        load(
            DataConfig(
                name="folder", root=str(data_root / "first"), split="kfold", folds=3, fold=fold
            ),
            data_root,
        )
        for fold in range(3)
    ]
    tested = [path for part in parts for path in images(part, "test")]
    assert sorted(tested) == sorted(parts[0].table["path"])
    assert "fold 2 of 3" in parts[2].notes[-1]


def test_a_union_keeps_labels_of_equal_classes(data_root: Path):
    config = DataConfig(union=[member(data_root, name) for name in ("first", "second", "plain")])
    samples = load(config, data_root)
    assert samples.root == data_root
    assert samples.classes == ("a", "b")
    assert len(samples) == 60
    assert all(file.is_file() for file in samples.files())
    assert (samples.targets()[samples.table["source"] == "plain"] == -1).all()
    assert (samples.targets()[samples.table["source"] != "plain"] >= 0).all()
    assert samples.table.groupby("source").size().to_dict() == {
        "first": 24,
        "second": 24,
        "plain": 12,
    }


def test_a_union_of_different_classes_keeps_each_kind_of_labels(data_root: Path):
    names = ("first", "second", "third", "plain")
    samples = load(DataConfig(union=[member(data_root, name) for name in names]), data_root)
    assert samples.classes == ()
    assert [one.sources for one in samples.label_sets] == [("first", "second"), ("third",)]
    assert "labels of their own for first+second, third" in samples.notes[-1]
    numbers = samples.label_set_numbers()
    for number, one in enumerate(samples.label_sets):
        alone = load(DataConfig(**member(data_root, one.sources[-1])), data_root)
        own = samples.part(one)
        assert own.classes == alone.classes
        same = own.table["source"] == one.sources[-1]
        assert own.table["label"][same].tolist() == alone.table["label"].tolist()
        assert (numbers == number).sum() == len(own)
    assert (numbers == -1).sum() == (samples.table["source"] == "plain").sum()


def test_members_are_split_as_they_are_alone(data_root: Path):
    """A diagnosis and a pretraining that joins its images must test the same patients."""
    alone = load(DataConfig(**member(data_root, "first"), split="kfold", fold=2), data_root)
    names = [member(data_root, "first"), member(data_root, "plain")]
    joined = load(DataConfig(union=names, split="kfold", fold=2), data_root)
    assert images(joined, "test") == {f"first/{path}" for path in images(alone, "test")}
    own = load(
        DataConfig(union=[member(data_root, "first", fold=1)], split="kfold", fold=2), data_root
    )
    assert images(own, "test").isdisjoint(images(alone, "test"))


def test_two_folders_of_one_name_are_refused(data_root: Path):
    (data_root / "deep").mkdir()
    (data_root / "second").rename(data_root / "deep" / "first")
    config = DataConfig(union=[member(data_root, "first"), member(data_root, "deep/first")])
    with pytest.raises(DataError, match="rename a folder"):
        load(config, data_root)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give either `name` or `union`"),
        ({"name": "folder", "union": ["csv"]}, "give either `name` or `union`"),
        ({"name": "covidct"}, "no data set 'covidct'; did you mean 'covid_ct'"),
        ({"name": "covid_ct", "split": "offical"}, "did you mean 'official'"),
        ({"name": "covid_ct", "over": "training"}, "did you mean 'train'"),
        ({"name": "covid_ct", "on_bad_image": "ignore"}, "data.on_bad_image: 'ignore' is unknown"),
        ({"name": "covid_ct", "split": "kfold", "fold": 5}, "no fold 5 of 5; set 0 to 4"),
        ({"name": "covid_ct", "split": "kfold", "folds": 1}, "set 2 or more"),
        ({"name": "covid_ct", "split": "kfold", "repeat": -1}, "repeats count from 0"),
        ({"name": "csv", "options": {"tabel": "x.csv"}}, "no option 'tabel'; did you mean 'table'"),
        ({"name": "csv", "options": {"split_seed": 1}}, "no option 'split_seed'"),
        ({"name": "csv", "options": {"multi_label": "yes"}}, "expects bool, not 'yes'"),
        ({"name": "phantom_ct", "options": {"patient": 3}}, "did you mean 'patients'"),
        (
            {"name": "csv", "thin": ThinConfig("studie")},
            "'studie' is unknown; did you mean 'study'",
        ),
        (
            {"name": "csv", "thin": ThinConfig("all", 101)},
            "thin.distance: 101 .* set 0 to 100 bits",
        ),
        ({"name": "csv", "thin": ThinConfig("all", -1)}, "thin.distance: -1 is not possible"),
        ({"name": "csv", "thin": ThinConfig("all", 2.5)}, "thin.distance: 2.5 is not possible"),
        ({"union": [{"name": "csv", "thin": {}}]}, "a member has no setting 'thin'"),
        ({"union": [{"name": "csv", "fodl": 1}]}, "no setting 'fodl'; did you mean 'fold'"),
        ({"union": [{"name": "csv", "positive": "a"}]}, "no setting 'positive'"),
        ({"union": [{"root": "x"}]}, "give either `name` or `union`"),
        ({"union": [{"name": "csv", "fold": "one"}]}, "a member's fold cannot be 'one'"),
        ({"union": [{"name": "csv", "options": 3}]}, "a member's options cannot be 3"),
        ({"union": [7]}, "7 is neither a name nor settings"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, settings: dict, message: str):
    with pytest.raises(DataError, match=message) as caught:
        load(DataConfig(**settings), tmp_path)
    assert "\n" not in str(caught.value)


def test_wrong_settings_for_the_data_are_one_line(data_root: Path):
    with pytest.raises(DataError, match="kfold needs labels"):
        load(DataConfig(**member(data_root, "plain"), split="kfold"), data_root)
    with pytest.raises(DataError, match="has no class 'B'"):
        load(DataConfig(**member(data_root, "first"), positive="B"), data_root)


@pytest.mark.parametrize("name", [name for name in DATASETS if not name.startswith("phantom")])
def test_a_missing_folder_is_named(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=rf"no folder {tmp_path / name}.*data_root"):
        load(DataConfig(name=name), tmp_path)


@pytest.mark.parametrize("name", [name for name in DATASETS if name.startswith("phantom")])
def test_phantoms_need_no_folder(tmp_path: Path, name: str):
    options = {"images": 60} if name == "phantom_shapes" else {"patients": 20}
    samples = load(DataConfig(name=name, options={**options, "size": 32}), tmp_path)
    assert set(samples.table["source"]) == {name}
    assert all(file.is_file() for file in samples.files())


OUTSIDE = '''
from __future__ import annotations
from pathlib import Path
import pandas as pd
from data_modules.samples import Samples
from mypkg.helper import LABEL

NUMBER = 3

def index(root: Path, images: int = 6, split_seed: int = 0) -> Samples:
    """Scans of our hospital."""
    names = [f"{split_seed}-{number}.png" for number in range(images)]
    columns = {"path": names, "label": LABEL, "patient": names, "split": "train", "study": ""}
    table = pd.DataFrame(columns).assign(source="ours", window="lung")
    return Samples(root, table, classes=(LABEL,))

def wrong(root):
    return 3

def nothing():
    return None

def open_ended(root, **options):
    return index(root, **options)
'''


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in the working directory, which is not on the path of imports."""
    package = tmp_path / "work" / "mypkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text('LABEL = "ill"\n')
    (package / "scans.py").write_text(OUTSIDE)
    (package / "broken.py").write_text("import no_such_package\n")
    monkeypatch.chdir(package.parent)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypkg"]:
        del sys.modules[name]


def test_a_data_set_from_outside_is_loaded_by_its_import_path(outside: Path, tmp_path: Path):
    config = DataConfig(name="mypkg.scans:index", options={"images": 4}, split_seed=7)
    samples = load(config, tmp_path)
    assert samples.root == tmp_path / "scans"
    assert samples.table["path"].tolist() == [f"7-{number}.png" for number in range(4)]
    assert set(samples.table["window"]) == {"lung"}
    member = {"name": "mypkg.scans:index", "root": str(tmp_path / "a")}
    assert len(load(DataConfig(union=[member]), tmp_path)) == 6
    open_ended = DataConfig(name="mypkg.scans:open_ended", options={"images": 2})
    assert len(load(open_ended, tmp_path)) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "nopkg.scans:index"}, "there is no module 'nopkg' for 'nopkg.scans'"),
        ({"name": "mypkg.scan:index"}, "there is no module 'mypkg.scan' for 'mypkg.scan'"),
        ({"name": "mypkg.scans:indx"}, "has no 'indx'; did you mean 'index'"),
        ({"name": "mypkg.scans:NUMBER"}, "'mypkg.scans:NUMBER' is no function that takes"),
        ({"name": "mypkg.scans:nothing"}, "'mypkg.scans:nothing' is no function that takes"),
        ({"name": "mypkg.scans:wrong"}, "returns int, not Samples"),
        ({"name": "mypkg.broken:index"}, "fails .ModuleNotFoundError: No module named 'no_such"),
        ({"name": "mypkg.scans:"}, "is no import path; write it as package.module:name"),
        ({"name": "mypkg/scans.py:index"}, "is no import path"),
        ({"name": "mypkg.scans:index", "options": {"image": 1}}, "did you mean 'images'"),
        ({"name": "mypkg.scans:index", "options": {"root": "x"}}, "no option 'root'"),
        ({"name": "mypkg.scans:index", "options": {"images": "4"}}, "expects int, not '4'"),
    ],
)
def test_mistakes_with_data_sets_from_outside_are_one_line(
    outside: Path, tmp_path: Path, settings: dict, message: str
):
    with pytest.raises(DataError, match=message) as caught:
        load(DataConfig(**settings), tmp_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("data.")


def test_every_built_in_data_set_has_a_line_of_its_own():
    listed = list_data_sets()
    assert list(listed) == list(DATASETS)
    assert all(10 < len(line) <= 100 and line.endswith(".") for line in listed.values())
    assert len(set(listed.values())) == len(listed)
    assert listed["covid_ct"].startswith("COVID-CT: 746 CT images")
    assert all(find_index(name).__module__.startswith("data_modules.") for name in DATASETS)


@pytest.mark.real_data
def test_kfold_of_real_covid_ct_tests_all_358_persons(real_data: Path):
    tested = []
    for fold in range(5):
        config = DataConfig(name="covid_ct", split="kfold", fold=fold)
        table = load(config, real_data).table
        tested += table.loc[table["split"] == "test", "patient"].unique().tolist()
        share = (table["label"] == "COVID").groupby(table["split"]).mean()
        assert share.to_numpy() == pytest.approx([349 / 746] * 3, abs=0.035)
    assert len(tested) == len(set(tested)) == 358


@pytest.mark.real_data
def test_union_of_real_ct_for_self_supervision(real_data: Path):
    samples = load(DataConfig(union=["covid_ct", "luna16_slices"]), real_data)
    train = samples.subset(samples.table["split"] == "train")
    assert len(train) == 425 + 1000
    assert samples.published == ("covid_ct",)
    assert sum("kept as published" in note for note in samples.notes) == 1
    assert samples.classes == ("NonCOVID", "COVID")


def test_what_was_indexed_before_is_split_without_reading_it_again(tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / "scans" / ("ill" if number % 2 else "well") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(path)
    indexed: dict[object, object] = {}
    folds = [
        DataConfig("folder", root=str(tmp_path / "scans"), split="kfold", folds=2, fold=fold)
        for fold in (0, 1)
    ]
    first = load(folds[0], tmp_path, indexed)
    shutil.rmtree(tmp_path / "scans")
    second = load(folds[1], tmp_path, indexed)
    tested = [set(one.table["path"][one.table["split"] == "test"]) for one in (first, second)]
    assert not tested[0] & tested[1]
    assert len(tested[0] | tested[1]) == 8
