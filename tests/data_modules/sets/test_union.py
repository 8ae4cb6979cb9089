"""Unions: paths from the common parent, columns of any member, sources apart."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data_modules.errors import DataError
from data_modules.samples import Samples
from data_modules.sets.union import join


def member(root: Path, source: str, labels: str = "ab", **columns: object) -> Samples:
    names = [f"{number}.png" for number in range(4)]
    table = pd.DataFrame({"path": names, "patient": names, "label": [*labels * 2]})
    table = table.assign(split="train", study="", source=source, **columns)
    return Samples(root, table, classes=tuple(labels), positive=labels[0], notes=("note",))


def test_paths_start_from_the_common_parent(tmp_path: Path):
    joined = join([member(tmp_path / "one", "s"), member(tmp_path / "deep" / "two", "t")])
    assert joined.root == tmp_path
    assert joined.table["path"].tolist()[::4] == ["one/0.png", "deep/two/0.png"]
    assert (joined.classes, joined.positive) == (("a", "b"), "a")
    assert joined.notes == ("s: note", "t: note", "the members share their classes: a, b")
    assert [(one.name, one.start) for one in joined.sources] == [("s", "one"), ("t", "deep/two")]
    alone = join([member(tmp_path / "one", "s")])
    assert alone.root == tmp_path / "one"
    assert alone.table["path"].tolist()[0] == "0.png"


def test_columns_of_one_member_are_empty_in_the_others(tmp_path: Path):
    masked = member(tmp_path / "one", "s", mask=["m.png", "", "", "n.png"], slice=["1"] * 4)
    joined = join([masked, member(tmp_path / "two", "t", window="lung")])
    assert joined.table["mask"].tolist() == ["one/m.png", "", "", "one/n.png"] + [""] * 4
    assert joined.table["slice"].tolist() == ["1"] * 4 + [""] * 4
    assert joined.table["window"].tolist() == [""] * 4 + ["lung"] * 4
    assert joined.portable_table()["mask"].tolist()[:4] == ["m.png", "", "", "n.png"]


def test_members_of_different_classes_keep_their_columns_in_each_part(tmp_path: Path):
    members = [member(tmp_path / "one", "s", mask="m"), member(tmp_path / "two", "t", "bc")]
    joined = join(members)
    assert joined.classes == ()
    parts = [joined.part(one) for one in joined.label_sets]
    assert [part.classes for part in parts] == [("a", "b"), ("b", "c")]
    assert [set(part.table["mask"]) for part in parts] == [{"one/m"}, {""}]


def test_a_union_of_a_union_keeps_what_its_members_are(tmp_path: Path):
    inner = join([member(tmp_path / "x" / "one", "s"), member(tmp_path / "x" / "two", "t")])
    outer = join([inner, member(tmp_path / "three", "u")])
    assert [one.start for one in outer.sources] == ["x/one", "x/two", "three"]
    portable = outer.portable_table()["path"].tolist()
    assert portable == [f"{number}.png" for number in range(4)] * 3


def test_two_folders_under_one_name_are_refused(tmp_path: Path):
    members = [member(tmp_path / name, "s") for name in ("one", "two")]
    with pytest.raises(DataError, match="have one name, so their patients cannot be told apart"):
        join(members)
    with pytest.raises(DataError, match="is listed twice"):
        join([members[0], replace(members[0], root=Path(os.path.relpath(members[0].root)))])
