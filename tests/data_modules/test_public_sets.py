"""Descriptions of the public data sets, and the check of a copy of one."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from drawn_images import draw
from public_miniatures import MINIATURES, write_covidx_ct, write_medmnist

from data_modules.catalogue import DATASETS, find_index, parameters_of
from data_modules.errors import DataError
from data_modules.public_sets import Checked, check_data_set, describe_data_set, public_sets
from data_modules.samples import SPLITS
from data_modules.sets.description import NO_CLASS, TESTED, Count, Description

PUBLIC = public_sets()
NO_COUNTS = ("natural_images", "luna16_slices")
REAL = {
    "covid_ct": 746,
    "chest_xray_pneumonia": 5856,
    "luna16_slices": 1000,
    "luna16_patches": 8106,
    "mosmed_slices": 1110,
    "natural_images": 14000,
}


def found(checked: Checked) -> dict[tuple[str, str], int | None]:
    return {(one.what, one.split): one.found for one in checked.counts}


def test_every_file_of_a_public_set_is_described_and_has_a_miniature():
    own = {"folder", "csv"}
    registered = {name for name in DATASETS if not name.startswith("phantom")} - own
    assert set(PUBLIC) == registered == set(MINIATURES)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_description_has_all_its_fields(name: str):
    one = PUBLIC[name]
    for field in fields(Description):
        if field.type is str and field.name != "variant":
            assert getattr(one, field.name).strip(), field.name
    assert one.tested in TESTED
    assert (one.tested == "real files") == (name in REAL)
    assert re.match("https?://", one.url)
    assert re.search(r"doi 10\.\d+/|arXiv \d{4}\.\d{5}|\(no DOI\)", one.reference)
    assert 2000 < one.year < 2027
    assert bool(one.counts) == (name not in NO_COUNTS)
    assert one.notes
    assert not one.variant or one.variant in parameters_of(find_index(name))


@pytest.mark.parametrize("name", PUBLIC)
def test_counts_name_classes_and_splits_of_the_index(name: str, tmp_path: Path):
    root = tmp_path / name
    MINIATURES[name](root)
    samples = find_index(name)(root)
    variants = {count.variant for count in PUBLIC[name].counts}
    for count in PUBLIC[name].counts:
        assert count.split in ("", *SPLITS)
        assert count.label in ("", NO_CLASS, *samples.classes)
    for variant in variants or {""}:
        assert (PUBLIC[name].images(variant) is None) == (name in NO_COUNTS)


def test_the_number_of_images_is_that_of_the_whole_set_and_variant():
    totals = {name: one.images() for name, one in PUBLIC.items()}
    assert totals["covid_ct"] == 746
    assert totals["nih_chest_xray14"] == 112120
    assert totals["chexpert"] == 223648
    assert totals["cifar10"] == 60000
    assert PUBLIC["covidx_ct"].images("2A") == 194922
    assert PUBLIC["covidx_ct"].images("3A") == 425024
    assert PUBLIC["medmnist"].images("chestmnist") == 112120


def test_a_description_without_a_licence_is_refused():
    texts = {f.name: "x" for f in fields(Description) if f.type is str} | {"tested": TESTED[0]}
    more = {"year": 2020, "needs": (), "counts": (Count(1),), "patients": None}
    assert Description(**(texts | more)).images() == 1
    with pytest.raises(ValueError, match="licence is not described"):
        Description(**(texts | more | {"licence": " "}))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_whole_miniature_lacks_nothing_but_images(name: str, tmp_path: Path):
    MINIATURES[name](tmp_path)
    checked = check_data_set(name, tmp_path)
    assert (checked.missing, checked.additional, checked.fault) == ((), (), "")
    assert checked.complete == (name in NO_COUNTS)
    assert all(number is not None for number in found(checked).values())
    again = check_data_set(name, tmp_path)
    assert again == checked


def test_counts_of_classes_and_splits_are_those_of_the_copy(tmp_path: Path):
    for name in ("nih_chest_xray14", "covid_ct", "chexpert"):
        MINIATURES[name](tmp_path / name)
    counts = found(check_data_set("nih_chest_xray14", tmp_path / "nih_chest_xray14"))
    assert (counts["", "train"], counts["", "test"], counts[NO_CLASS, ""]) == (14, 6, 5)
    assert (counts["Mass", ""], counts["Nodule", ""], counts["Edema", ""]) == (5, 5, 0)
    assert counts["patients", ""] == 10
    counts = found(check_data_set("covid_ct", tmp_path / "covid_ct"))
    assert {counts[name, split] for name in ("COVID", "NonCOVID") for split in SPLITS} == {2}
    counts = found(check_data_set("chexpert", tmp_path / "chexpert"))
    assert (counts["", "val"], counts["Edema", "train"]) == (2, 2)
    counts = found(check_data_set("chexpert", tmp_path / "chexpert", {"uncertain": "ones"}))
    assert ("Edema", "train") not in counts


@pytest.mark.parametrize(
    ("name", "removed"),
    [
        ("covid_ct", "Images-processed/CT_COVID/c val%1.png"),
        ("covidx_ct", "2A_images/CP_5_3509_0130.png"),
        ("nih_chest_xray14", "images/00000004_001.png"),
        ("chexpert", "train/patient00002/study1/view1_frontal.jpg"),
        ("tiny_imagenet", "val/images/val_3.JPEG"),
    ],
)
def test_a_listed_image_that_is_missing_is_named_and_the_others_are_counted(
    name: str, removed: str, tmp_path: Path
):
    MINIATURES[name](tmp_path)
    whole = found(check_data_set(name, tmp_path))
    (tmp_path / removed).unlink()
    checked = check_data_set(name, tmp_path)
    assert checked.missing == (removed,)
    assert not checked.complete
    counts = found(checked)
    assert counts.pop(("patients", ""), None) is None
    fewer = [key for key in counts if counts[key] != whole[key]]
    assert fewer
    assert all(counts[key] == whole[key] - 1 for key in fewer)


@pytest.mark.parametrize(
    ("name", "removed"),
    [
        ("covid_ct", "Meta/COVID-CT-MetaInfo.xlsx"),
        ("covidx_ct", "test_COVIDx_CT-2A.txt"),
        ("nih_chest_xray14", "train_val_list.txt"),
        ("chexpert", "valid.csv"),
        ("tiny_imagenet", "wnids.txt"),
        ("cifar10", "data_batch_4.bin"),
        ("cifar100", "fine_label_names.txt"),
        ("luna16_patches", "index.csv"),
    ],
)
def test_a_file_that_is_missing_is_named(name: str, removed: str, tmp_path: Path):
    MINIATURES[name](tmp_path)
    (tmp_path / removed).unlink()
    checked = check_data_set(name, tmp_path)
    assert checked.missing == (removed,)
    assert not checked.complete


def test_an_image_that_is_in_no_list_is_additional(tmp_path: Path):
    MINIATURES["covid_ct"](tmp_path)
    before = check_data_set("covid_ct", tmp_path)
    draw(tmp_path, "Images-processed/CT_COVID/new.png", "elsewhere/x.png")
    checked = check_data_set("covid_ct", tmp_path)
    assert sorted(checked.additional) == ["Images-processed/CT_COVID/new.png", "elsewhere/x.png"]
    assert found(checked) == found(before)


def test_images_without_published_labels_are_not_additional(tmp_path: Path):
    MINIATURES["tiny_imagenet"](tmp_path)
    draw(tmp_path, "test/images/test_9.JPEG", "train/x.JPEG.d/y.png")
    assert "test/images/test_9.JPEG" not in check_data_set("tiny_imagenet", tmp_path).additional


def test_a_variant_has_its_own_files_and_counts(tmp_path: Path):
    write_covidx_ct(tmp_path / "3A", "3A")
    checked = check_data_set("covidx_ct", tmp_path / "3A", {"version": "3A"})
    assert (checked.missing, checked.fault) == ((), "")
    published = {(one.what, one.split): one.published for one in checked.counts}
    assert published["COVID-19", "train"] == 294552
    assert "2A_images" in check_data_set("covidx_ct", tmp_path / "3A").missing
    write_medmnist(tmp_path / "mnist", "chestmnist")
    checked = check_data_set("medmnist", tmp_path / "mnist", {"subset": "chestmnist"})
    assert found(checked) == {("", split): 4 for split in SPLITS}


def test_why_a_set_cannot_be_read_is_said(tmp_path: Path):
    MINIATURES["chest_xray_pneumonia"](tmp_path)
    draw(tmp_path, "train/NORMAL/scan.png")
    checked = check_data_set("chest_xray_pneumonia", tmp_path)
    assert "scan.png: the name holds no patient" in checked.fault
    assert not checked.complete
    assert {one.found for one in checked.counts} == {None}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("covid", "no public data set 'covid'; did you mean 'covid_ct'"),
        ("folder", "folder: no public data set .for images of your own"),
        ("phantom_ct", "phantom_ct: no public data set .simulated"),
        ("data_modules.sets.folder:index", "a function of your own, which has no description"),
        ("no_such.module:index", "there is no module 'no_such'"),
    ],
)
def test_what_has_no_description_is_said_in_a_line(name: str, message: str, tmp_path: Path):
    for ask in (lambda: describe_data_set(name), lambda: check_data_set(name, tmp_path)):
        with pytest.raises(DataError, match=message) as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_a_wrong_option_or_folder_is_said(tmp_path: Path):
    with pytest.raises(DataError, match="covidx_ct has no option 'versoin'"):
        check_data_set("covidx_ct", tmp_path, {"versoin": "2A"})
    with pytest.raises(DataError, match=r"no folder .*nowhere: see matl data describe covid_ct"):
        check_data_set("covid_ct", tmp_path / "nowhere")


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_copies_are_complete(name: str, real_data: Path):
    checked = check_data_set(name, real_data / name)
    assert checked.complete
    assert checked.additional == ()
    images = [one for one in checked.counts if one.what != "patients"]
    assert sum(one.found or 0 for one in images) == REAL[name]
