from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.registry import DATASETS, load


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
        ({"name": "covid_ct", "on_bad_image": "ignore"}, "data.on_bad_image: 'ignore' is none"),
        ({"name": "covid_ct", "split": "kfold", "fold": 5}, "no fold 5 of 5; set 0 to 4"),
        ({"name": "covid_ct", "split": "kfold", "folds": 1}, "set 2 or more"),
        ({"name": "covid_ct", "split": "kfold", "repeat": -1}, "repeats count from 0"),
        ({"name": "csv", "options": {"tabel": "x.csv"}}, "no option 'tabel'; did you mean 'table'"),
        ({"name": "csv", "options": {"split_seed": 1}}, "no option 'split_seed'"),
        ({"name": "csv", "options": {"multi_label": "yes"}}, "expects bool, not 'yes'"),
        ({"name": "phantom_ct", "options": {"patient": 3}}, "did you mean 'patients'"),
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


@pytest.mark.real_data
def test_kfold_of_real_covid_ct_tests_all_384_patients(real_data: Path):
    tested = []
    for fold in range(5):
        config = DataConfig(name="covid_ct", split="kfold", fold=fold)
        table = load(config, real_data).table
        tested += table.loc[table["split"] == "test", "patient"].unique().tolist()
        share = (table["label"] == "COVID").groupby(table["split"]).mean()
        assert share.to_numpy() == pytest.approx([349 / 746] * 3, abs=0.03)
    assert len(tested) == len(set(tested)) == 384


@pytest.mark.real_data
def test_union_of_real_ct_for_self_supervision(real_data: Path):
    samples = load(DataConfig(union=["covid_ct", "luna16_slices"]), real_data)
    train = samples.subset(samples.table["split"] == "train")
    assert len(train) == 425 + 1000
    assert samples.classes == ("NonCOVID", "COVID")
