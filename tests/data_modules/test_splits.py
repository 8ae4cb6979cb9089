import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data_modules.errors import DataError
from data_modules.samples import Samples, Source
from data_modules.splits import (
    join_split_patients,
    keep_labels,
    kfold,
    leak_notes,
    split_by_patient,
    split_leaks,
)

CLASSES = ("well", "ill")


def cohort(sizes: list[int], ill: list[bool], source: str = "s") -> pd.DataFrame:
    """Patient i has sizes[i] images, all ill or all well."""
    rows = [
        (f"{source}/{number}-{image}.png", CLASSES[is_ill], f"p{number}", "train", "", source)
        for number, (size, is_ill) in enumerate(zip(sizes, ill, strict=True))
        for image in range(size)
    ]
    return pd.DataFrame(rows, columns=["path", "label", "patient", "split", "study", "source"])


def samples_of(table: pd.DataFrame) -> Samples:
    return Samples(Path("root"), table, classes=CLASSES, positive="ill")


def big_cohort() -> Samples:
    return samples_of(cohort([1 + number % 7 for number in range(120)], [True, False] * 60))


def patients_tested(samples: Samples) -> set[str]:
    return set(samples.table.loc[samples.table["split"] == "test", "patient"])


cohorts = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=6, max_size=40).map(
    lambda people: cohort([size for size, _ in people], [ill for _, ill in people])
)


@settings(max_examples=40, deadline=None)
@given(cohorts, st.integers(2, 4), st.integers(0, 99), st.integers(0, 3))
def test_every_patient_is_tested_once_and_is_in_one_split(table, folds, seed, repeat):
    people = table.drop_duplicates("patient")["label"].value_counts()
    assume(people.min() >= folds)
    parts = [kfold(samples_of(table), folds, fold, repeat, seed) for fold in range(folds)]
    assert sorted(name for part in parts for name in patients_tested(part)) == sorted(
        set(table["patient"])
    )
    for part in parts:
        assert part.table.groupby("patient")["split"].nunique().max() == 1
        in_test = part.table[part.table["split"] == "test"]
        assert set(in_test["label"]) == set(table["label"])
        assert (part.table["split"] == "train").any()


@settings(max_examples=25, deadline=None)
@given(cohorts, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table, random):
    assume(table.drop_duplicates("patient")["label"].value_counts().min() >= 2)
    rows = list(range(len(table)))
    random.shuffle(rows)
    shuffled = table.iloc[rows].reset_index(drop=True)
    one, other = (
        kfold(samples_of(t), 2, 1).table.set_index("path")["split"] for t in (table, shuffled)
    )
    pd.testing.assert_series_equal(one.sort_index(), other.sort_index())
    pd.testing.assert_series_equal(
        split_by_patient(table), split_by_patient(shuffled).set_axis(rows).sort_index()
    )


def test_seed_and_repeat_deal_anew():
    samples = big_cohort()
    folds = [
        patients_tested(kfold(samples, 5, 0, repeat, seed))
        for repeat, seed in [(0, 0), (1, 0), (0, 1)]
    ]
    assert folds[0] != folds[1] != folds[2] != folds[0]
    assert folds[0] == patients_tested(kfold(samples, 5, 0, 0, 0))
    table = samples.table
    assert not split_by_patient(table, 0).equals(split_by_patient(table, 1))


def test_a_split_stays_what_it_was():
    """A changed deal would make finished experiments wrong without a trace."""
    table = cohort([1] * 8, [True, False] * 4)
    assert split_by_patient(table).tolist() == [
        "test",
        "test",
        "val",
        "train",
        "train",
        "val",
        "train",
        "train",
    ]
    assert sorted(patients_tested(kfold(samples_of(table), 4, 0))) == ["p1", "p2"]


def test_folds_are_stratified_and_validation_is_an_eighth():
    samples = big_cohort()
    images = len(samples)
    for fold in range(5):
        table = kfold(samples, 5, fold).table
        share = table["split"].value_counts() / images
        assert share["test"] == pytest.approx(0.2, abs=0.03)
        assert share["val"] == pytest.approx(0.1, abs=0.03)
        ill = (table["label"] == "ill").groupby(table["split"]).mean()
        assert ill["test"] == pytest.approx((table["label"] == "ill").mean(), abs=0.04)
        assert ill["val"] == pytest.approx((table["label"] == "ill").mean(), abs=0.1)


def test_split_by_patient_has_seven_two_one_tenths_of_each_class():
    table = big_cohort().table
    split = split_by_patient(table)
    for _, part in split.groupby(table["label"]):
        share = part.value_counts(normalize=True)
        assert share.to_dict() == pytest.approx({"train": 0.7, "test": 0.2, "val": 0.1}, abs=0.03)
    assert split.groupby(table["patient"]).nunique().max() == 1


def test_over_train_leaves_val_and_test_out():
    table = big_cohort().table
    table["split"] = split_by_patient(table)
    inner = set(table.loc[table["split"] == "train", "patient"])
    parts = [kfold(samples_of(table), 3, fold, over="train") for fold in range(3)]
    assert set.union(*map(patients_tested, parts)) == inner
    assert all(set(part.table["patient"]) == inner for part in parts)
    assert "of the official train split" in parts[0].notes[-1]


def test_equal_names_of_two_sources_are_two_patients():
    table = pd.concat([cohort([2] * 10, [True, False] * 5, name) for name in ("s", "t")])
    splits = kfold(samples_of(table), 2, 0).table.groupby("patient")["split"].nunique()
    assert splits.max() > 1


def test_multi_label_patients_are_dealt_by_their_rarest_class():
    table = cohort([1] * 40, [False] * 40)
    table["label"] = ["A|B" if number % 8 == 0 else "A" for number in range(40)]
    samples = Samples(Path("root"), table, classes=("A", "B"), multi_label=True)
    for fold in range(5):
        part = kfold(samples, 5, fold)
        assert part.targets()[part.table["split"] == "test"].sum(axis=0).tolist() == [8, 1]


def test_what_cannot_be_divided_is_refused():
    rare = samples_of(cohort([3] * 12, [True] * 2 + [False] * 10))
    with pytest.raises(DataError, match="class 'ill' has 2 patients, too few for 5 folds"):
        kfold(rare, 5, 0)
    unlabelled = cohort([1] * 9, [True] * 9)
    unlabelled.loc[3, "label"] = ""
    with pytest.raises(DataError, match="kfold needs labels, and 1 of 9 images have none"):
        kfold(samples_of(unlabelled), 3, 0)


def test_patients_in_several_splits_go_to_the_strongest():
    table = cohort([3, 3, 2], [True, True, False])
    table["split"] = ["train", "val", "test", "train", "train", "val", "train", "train"]
    joined, notes = join_split_patients(table)
    assert joined["split"].tolist() == ["test"] * 3 + ["val"] * 3 + ["train"] * 2
    assert "2 patients were in several splits: 4 of their images moved" in notes[0]
    assert join_split_patients(joined)[1] == ()


def published(splits: list[str]) -> Samples:
    table = cohort([3, 3, 2], [True, True, False]).assign(split=splits)
    return Samples(Path("root"), table, classes=("well", "ill"), published=("s",))


def test_the_leaks_of_a_published_split_are_listed_and_counted():
    samples = published(["train", "val", "test", "train", "train", "val", "test", "test"])
    leaks = split_leaks(samples)
    assert leaks["train"].tolist() == [1, 2]
    assert leaks["val"].tolist() == [1, 1]
    assert leaks["test"].tolist() == [1, 0]
    (note,) = leak_notes(samples)
    assert "2 persons are in several parts of it" in note
    assert "(train 1, val 1, test 1)" in note
    assert note.endswith("1 test images are of 1 of them")
    assert leak_notes(published(["train"] * 3 + ["val"] * 3 + ["test"] * 2)) == ()


def test_a_fold_of_a_published_set_holds_no_person_twice():
    samples = published(["train", "val", "test", "train", "train", "val", "test", "test"])
    others = samples.table.assign(**{key: "q" + samples.table[key] for key in ("path", "patient")})
    fold = kfold(replace(samples, table=pd.concat([samples.table, others])), 2, 0)
    assert split_leaks(fold).empty
    assert fold.published == ()


@settings(deadline=None)
@given(
    fractions=st.tuples(st.floats(0.05, 1), st.floats(0.05, 1)).map(sorted),
    seed=st.integers(0, 5),
)
def test_fractions_of_the_labels_are_nested_stratified_and_by_patient(
    fractions: list[float], seed: int
):
    samples = labelled(patients=40)
    less, more = (keep_labels(samples, fraction, seed).table for fraction in fractions)
    assert set(less["path"]) <= set(more["path"]) <= set(samples.table["path"])
    for kept, fraction in zip((less, more), fractions, strict=True):
        own = kept[kept["split"] == "train"]
        whole = samples.table[samples.table["split"] == "train"]
        for label in ("ill", "well"):
            patients = whole["patient"][whole["label"] == label].nunique()
            left = own["patient"][own["label"] == label]
            assert left.nunique() == math.ceil(fraction * patients)
            assert len(left) == 2 * left.nunique()
        others = samples.table["split"] != "train"
        assert (kept["split"] != "train").sum() == others.sum()


def labelled(patients: int) -> Samples:
    """Two images a patient; a third ill, a quarter held out."""
    numbers = np.repeat(np.arange(patients), 2)
    table = pd.DataFrame({"path": [f"{n}.png" for n in range(len(numbers))]})
    table["patient"] = [f"p{number}" for number in numbers]
    table["label"] = np.where(numbers % 3 == 0, "ill", "well")
    table["split"] = np.where(numbers % 4 == 1, "test", "train")
    table["study"], table["source"] = "", "set"
    return Samples(Path("root"), table, classes=("well", "ill"))


def test_a_folders_name_deals_no_patient_elsewhere():
    """A copied folder has the same folds and keeps the same labels; another fixed name has not."""

    def dealt(name: str, by_folder: bool) -> list[list[str]]:
        table = big_cohort().table.assign(source=name, mask="m.png")
        sources = (Source(name, by_folder=True),) if by_folder else ()
        samples = Samples(Path("root"), table, classes=CLASSES, sources=sources)
        parts = [kfold(samples, 4, 1), keep_labels(samples, 0.5)]
        assert all((part.table["mask"] == "m.png").all() for part in parts)
        assert set(parts[0].table["source"]) == {name}
        return [(part.table["path"] + part.table["split"]).tolist() for part in parts]

    assert dealt("first", True) == dealt("second", True)
    assert dealt("first", False) != dealt("second", False)
