"""Digests follow content and table, and nothing else."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data_modules.digest import content_digest, digest, table_digest
from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets import folder
from data_modules.sets.union import join

NAMES = ["a.png", "b/c.png", "b/d e%.png"]


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return make_samples(tmp_path / "data")


def make_samples(root: Path) -> Samples:
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 10)
    columns = {
        "path": NAMES,
        "label": ["x", "y", ""],
        "patient": ["1", "1", "2"],
        "split": ["train", "train", "test"],
        "study": "",
        "source": "toy",
    }
    return Samples(root, pd.DataFrame(columns), classes=("x", "y"))


def change(samples: Samples, column: str, row: int, value: str) -> Samples:
    table = samples.table.copy()
    table.loc[row, column] = value
    return replace(samples, table=table)


def test_a_copy_elsewhere_with_other_mtimes_has_the_same_digest(samples: Samples, tmp_path: Path):
    shutil.copytree(samples.root, tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("*.png"):
        os.utime(file, (1, 1))
    copy = replace(samples, root=tmp_path / "copy")
    assert digest(copy, tmp_path / "memo") == digest(samples, tmp_path / "memo")
    assert digest(copy, tmp_path / "other memo") == digest(samples, tmp_path / "memo")


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("label", 0, "y"),
        ("label", 0, ""),
        ("patient", 2, "3"),
        ("split", 2, "val"),
        ("study", 0, "s"),
        ("source", 0, "other"),
    ],
)
def test_the_table_changes_the_digest_but_not_the_content_digest(
    samples: Samples, tmp_path: Path, column: str, row: int, value: str
):
    other = change(samples, column, row, value)
    assert digest(other, tmp_path) != digest(samples, tmp_path)
    assert table_digest(other) != table_digest(samples)
    assert content_digest(other, tmp_path) == content_digest(samples, tmp_path)


def test_classes_and_the_positive_class_change_the_digest(samples: Samples, tmp_path: Path):
    variants = [
        samples,
        replace(samples, classes=("y", "x")),
        replace(samples, positive="x"),
        replace(samples, patients_named=False),
        samples.subset([True, True, False]),
    ]
    assert len({digest(variant, tmp_path) for variant in variants}) == len(variants)
    assert digest(replace(samples, notes=("a note",)), tmp_path) == digest(samples, tmp_path)


def test_a_renamed_file_keeps_the_content_digest_only(samples: Samples, tmp_path: Path):
    before = digest(samples, tmp_path), content_digest(samples, tmp_path)
    os.rename(samples.root / "a.png", samples.root / "z.png")
    renamed = change(samples, "path", 0, "z.png")
    assert content_digest(renamed, tmp_path) == before[1]
    assert digest(renamed, tmp_path) != before[0]


def test_the_order_of_the_table_counts(samples: Samples, tmp_path: Path):
    turned = replace(samples, table=samples.table.iloc[::-1])
    assert content_digest(turned, tmp_path) != content_digest(samples, tmp_path)


def test_the_digest_of_a_table_stays_what_it_was(samples: Samples):
    """A changed digest would train every stage again."""
    assert table_digest(samples) == "a4c49fed9863e6a67b39ec3a081eaabb"


def test_a_further_column_counts_where_it_says_something(samples: Samples):
    empty = replace(samples, table=samples.table.assign(mask=""))
    masked = change(empty, "mask", 0, "m.png")
    assert table_digest(empty) == table_digest(samples) != table_digest(masked)
    other = replace(samples, table=samples.table.assign(window=masked.table["mask"]))
    assert table_digest(other) not in (table_digest(samples), table_digest(masked))
    turned = replace(masked, table=masked.table[masked.table.columns[::-1]])
    assert table_digest(turned) == table_digest(masked)


def images(root: Path) -> Path:
    for split in ("train", "test"):
        for label in "ab":
            for number in range(6):
                path = root / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(f"{split}{label}{number}".encode())
    return root


def test_a_folders_name_and_place_do_not_count(tmp_path: Path):
    first = folder.index(images(tmp_path / "scans"))
    shutil.copytree(tmp_path / "scans", tmp_path / "deep" / "copy of scans")
    copy = folder.index(tmp_path / "deep" / "copy of scans")
    assert set(first.table["source"]) == {"scans"}
    assert set(copy.table["source"]) == {"copy of scans"}
    before = digest(first, tmp_path / "memo")
    assert digest(copy, tmp_path / "memo") == before
    os.rename(copy.root / "train/a/0.png", copy.root / "train/a/z.png")
    assert digest(folder.index(copy.root), tmp_path / "memo") != before


def test_a_unions_digest_does_not_depend_on_its_folders_names(tmp_path: Path):
    one, two = images(tmp_path / "one"), images(tmp_path / "two")
    (tmp_path / "other").mkdir()
    shutil.copytree(one, tmp_path / "z")
    shutil.copytree(two, tmp_path / "other" / "y")
    memo = tmp_path / "memo"
    joined = digest(join([folder.index(one), folder.index(two)]), memo)
    copied = [folder.index(tmp_path / "z"), folder.index(tmp_path / "other" / "y")]
    assert digest(join(copied), memo) == joined
    (two / "train/a/0.png").write_bytes(b"other content")
    assert digest(join([folder.index(one), folder.index(two)]), memo) != joined


def test_a_unions_members_stay_apart_in_its_digest(samples: Samples, tmp_path: Path):
    """The same paths under other sources, or of labels of another set, are another data set."""
    (tmp_path / "more").mkdir()
    named = [replace(samples, root=tmp_path / "more" / name) for name in "ab"]
    tables = [one.table.assign(source=name) for one, name in zip(named, "ab", strict=True)]
    members = [replace(one, table=table) for one, table in zip(named, tables, strict=True)]
    other = replace(members[1], classes=("x", "y", "z"))
    unions = [join(members), join(members[::-1]), join([members[0], other])]
    assert len({table_digest(union) for union in unions}) == 3


def test_all_missing_files_are_listed_at_once(samples: Samples, tmp_path: Path):
    for name in NAMES[:2]:
        (samples.root / name).unlink()
    with pytest.raises(DataError, match="2 files cannot be read") as caught:
        digest(samples, tmp_path)
    assert all(name in str(caught.value) for name in NAMES[:2])
    assert NAMES[2] not in str(caught.value)
