from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_modules.errors import DataError
from data_modules.samples import LabelSet, Samples, Source

ROOT = Path("root")


def table(**columns: object) -> pd.DataFrame:
    given = {
        "path": ["a b/100%.png", "c.png", "d.png"],
        "label": ["ill", "", "well"],
        "patient": ["p2", "p1", "p2"],
        "split": ["train", "test", "train"],
        "study": "",
        "source": "s",
    }
    return pd.DataFrame(given | columns)


def test_targets_and_groups_of_single_labels():
    samples = Samples(ROOT, table(), classes=("well", "ill"), positive="ill")
    assert samples.targets().tolist() == [1, -1, 0]
    assert samples.targets().dtype == np.int64
    assert samples.groups().tolist() == [1, 0, 1]
    assert samples.groups().dtype == np.int64
    assert samples.files()[0] == ROOT / "a b" / "100%.png"


def test_targets_of_multi_labels_tell_unlabelled_from_none():
    labels = ["B|A", "", "|"]
    samples = Samples(ROOT, table(label=labels), classes=("A", "B"), multi_label=True)
    assert samples.targets().tolist() == [[1, 1], [-1, -1], [0, 0]]
    assert samples.targets().dtype == np.float32


def test_patients_of_two_sources_are_two():
    sources = ["s", "t", "t"]
    samples = Samples(ROOT, table(label="", source=sources, patient="1", split="train"))
    assert samples.groups().tolist() == [0, 1, 1]


def test_a_published_split_may_hold_a_person_twice_and_no_other_one():
    sources = ["s", "s", "t"]
    Samples(
        ROOT,
        table(label="", source=sources, patient="p", split=["train", "val", "val"]),
        published=["s"],
    )
    with pytest.raises(DataError, match="1 patients are in two splits, for example 'p'"):
        Samples(ROOT, table(label="", patient="p", source=["s", "t", "t"]), published=["s"])


def test_subset_counts_its_rows_from_zero():
    samples = Samples(ROOT, table(), classes=("well", "ill"))
    part = samples.subset([False, True, True])
    assert part.table.index.tolist() == [0, 1]
    assert part.targets().tolist() == [-1, 0]
    assert len(samples.subset(np.zeros(3, dtype=bool))) == 0
    with pytest.raises(ValueError, match="3 rows"):
        samples.subset([True])


def test_a_table_read_in_any_index_is_renumbered():
    given = table().set_index(pd.Index([7, 3, 5]))
    samples = Samples(ROOT, given, classes=("well", "ill"))
    assert samples.table.index.tolist() == [0, 1, 2]
    assert samples.table["path"].tolist() == given["path"].tolist()


@pytest.mark.parametrize(
    ("columns", "fields", "message"),
    [
        ({"split": ["train", "dev", "train"]}, {}, "split 'dev'"),
        ({"label": ["ill", "", "sick"]}, {}, "label 'sick'"),
        ({"path": ["x.png", "y.png", "x.png"]}, {}, "x.png is listed twice"),
        ({"patient": ["", "p1", "p2"]}, {}, "has no patient"),
        ({"path": ["a.png", "b\udcf6.png", "c.png"]}, {}, r"the path 'b\\udcf6.png' is not UTF-8"),
        ({"patient": "p1"}, {}, "'p1'; put all images of a patient into one split"),
        ({"study": ["", None, ""]}, {}, "empty cells"),
        ({}, {"positive": "wel"}, "has no class 'wel'; its classes are well, ill"),
        (
            {},
            {"positive": "wel", "notes": ("5 seen", "WARNING: 3 files are passed over: 3 .dcm")},
            "its classes are well, ill; 3 files are passed over: 3 .dcm$",
        ),
        ({}, {"classes": ("well", "ill", "ill")}, "must differ"),
        ({}, {"classes": ("well", "ill", "Well")}, "the classes 'Well' and 'well' are one"),
        ({}, {"classes": ("well", "ill", "N/A")}, "'N/A' stands for no value"),
        ({"patient": ["p1", "P01", "p1"]}, {}, "the patients 'P01' and 'p1' differ in form only"),
        ({"patient": ["p1", "nan", "p1"]}, {}, "the patient 'nan' stands for no value"),
    ],
)
def test_contradictions_are_refused(columns: dict, fields: dict, message: str):
    with pytest.raises(DataError, match=message) as caught:
        Samples(ROOT, table(**columns), **{"classes": ("well", "ill"), **fields})
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="lacks the columns patient"):
        Samples(ROOT, table().drop(columns="patient"))


def test_further_columns_travel_along_as_text():
    given = table(window="lung", mask=["m.png", None, "n.png"], slice=[3, 4, 5], age=[40, 50, 60])
    samples = Samples(ROOT, given, classes=("well", "ill"), positive="ill")
    assert samples.table.columns[6:].tolist() == ["age", "mask", "slice", "window"]
    assert samples.table["mask"].tolist() == ["m.png", "", "n.png"]
    assert samples.table["slice"].tolist() == ["3", "4", "5"]
    part = samples.subset([False, True, True]).against_rest()
    assert part.table[["mask", "slice", "window"]].to_numpy().tolist() == [
        ["", "4", "lung"],
        ["n.png", "5", "lung"],
    ]
    rows = Samples(ROOT, given.assign(label=""), label_sets=(LabelSet("s", ("s",), ("a",), False),))
    assert rows.part(rows.label_sets[0]).table["age"].tolist() == ["40", "50", "60"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("ill", "well"), "set data.positive to one of ill, well$"),
        (("flu", "ill", "well"), "one of flu, ill, well, or to null to tell all of them apart"),
    ],
)
def test_without_a_positive_class_every_way_out_is_named(classes: tuple[str, ...], message: str):
    with pytest.raises(DataError, match=message):
        Samples(ROOT, table(), classes=classes).against_rest()


def test_images_of_several_classes_have_no_diagnosis():
    samples = Samples(ROOT, table(), classes=("ill", "well"), positive="ill", multi_label=True)
    with pytest.raises(DataError, match="one class per image; multi-labels are for a stage whose"):
        samples.against_rest()


def test_a_source_named_by_its_folder_is_numbered():
    sources = (Source("t", by_folder=True), Source("s"), Source("u", "u/deep", by_folder=True))
    given = table(label="", source=["s", "t", "u"], patient=["1", "2", "3"], split="train")
    given["path"] = ["a.png", "b.png", "u/deep/c.png"]
    samples = Samples(ROOT, given.assign(mask=["", "", "u/deep/m.png"]), sources=sources)
    assert samples.source_keys() == {"s": "s", "t": "#0", "u": "#1"}
    portable = samples.portable_table()
    assert portable["source"].tolist() == ["s", "#0", "#1"]
    assert portable["path"].tolist() == ["a.png", "b.png", "c.png"]
    assert portable["mask"].tolist() == ["", "", "m.png"]
    assert samples.table["source"].tolist() == ["s", "t", "u"]
    assert samples.groups().tolist() == [2, 0, 1]
    assert samples.subset([False, False, True]).portable_table()["source"].tolist() == ["#1"]


def test_paths_are_absolute_whatever_the_root():
    samples = Samples(ROOT, table(), classes=("well", "ill"))
    assert samples.absolute_paths() == [str(file.absolute()) for file in samples.files()]


def test_one_form_of_a_patient_is_asked_for_within_a_source_that_names_patients():
    columns = table(label="", split="train", patient=["1", "01", "1.0"])
    assert len(Samples(ROOT, columns, patients_named=False)) == 3
    assert len(Samples(ROOT, columns.assign(source=["s", "t", "u"]))) == 3
    with pytest.raises(DataError, match=r"'01' and '1' and '1\.0' differ in form only"):
        Samples(ROOT, columns)


def test_the_rest_is_named_by_its_parts():
    columns = table(label=["ill", "well", "scar"], patient=["1", "2", "3"])
    samples = Samples(ROOT, columns, classes=("ill", "scar", "well"), positive="ill")
    assert samples.against_rest().notes == (
        "'not ill' is scar (train 1), well (test 1)",
        "WARNING: no image of the test split is of the class 'ill': there is no AUROC, and what "
        "needs both classes has no value",
        "WARNING: no training image is of well, which is scored as 'not ill'",
    )
    two = columns.assign(label=["ill", "ill", "well"])
    noted = Samples(ROOT, two, classes=("ill", "well"), positive="ill").against_rest().notes
    assert len(noted) == 1
    assert "no image of the test split is of the class 'well'" in noted[0]
