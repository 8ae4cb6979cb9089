"""Probes look at labelled training images alone."""

from pathlib import Path

import numpy as np
import pandas as pd

from data_modules.samples import LabelSet, Samples
from matl.stages.ssl.probed import probed_images


def table(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Rows of label, patient and split, of one source."""
    frame = pd.DataFrame(rows, columns=["label", "patient", "split"])
    paths = [f"{place}.png" for place in range(len(frame))]
    return frame.assign(path=paths, study="", source="own")


ROWS = (
    ("a", "p1", "train"),
    ("b", "p2", "train"),
    ("", "p3", "train"),
    ("b", "p4", "val"),
    ("a", "p5", "test"),
    ("b", "p6", "train"),
    ("a", "p6", "test"),
)
"""Patient 6 is in two parts of a split that was published so."""


def samples(*rows: tuple[str, str, str]) -> Samples:
    return Samples(Path(), table(*rows), ("a", "b"), published=("own",))


def probed(of: Samples, most: int = 100) -> tuple[list[int], list[int], list[int]]:
    rows, labels, persons = probed_images(of, np.random.default_rng(0), most)
    return rows.tolist(), labels.tolist(), persons.tolist()


def test_held_out_persons_and_unlabelled_images_are_left_out() -> None:
    rows, labels, persons = probed(samples(*ROWS))
    assert rows == [0, 1]
    assert labels == [0, 1]
    assert len(set(persons)) == 2


def test_nothing_is_probed_where_the_training_images_are_of_one_class() -> None:
    held_out = samples(("a", "p1", "train"), ("a", "p2", "train"), ("b", "p3", "test"))
    assert probed(held_out) == ([], [], [])
    assert probed(samples(("", "p1", "train"))) == ([], [], [])


def test_of_many_images_whole_persons_are_drawn() -> None:
    many = samples(*(("ab"[p % 2], f"p{p}", "train") for p in range(20) for _ in range(5)))
    rows, labels, persons = probed(many, most=40)
    assert len(rows) == 40
    assert len(set(persons)) == 8
    assert set(labels) == {0, 1}
    assert rows == sorted(rows)
    assert probed(many, most=40)[0] == rows


def test_of_a_union_the_kind_with_most_images_is_probed() -> None:
    first = table(*(("ab"[p % 2], f"p{p}", "train") for p in range(4)))
    second = table(*(("xy"[p % 2], f"p{p}", "train") for p in range(6))).assign(source="other")
    second["path"] = "other/" + second["path"]
    several = table(("u|v", "p1", "train"), *[("u", f"p{p}", "train") for p in range(8)])
    several = several.assign(source="several", path="several/" + several["path"])
    sets = (
        LabelSet("own", ("own",), ("a", "b"), multi_label=False),
        LabelSet("other", ("other",), ("x", "y"), multi_label=False),
        LabelSet("several", ("several",), ("u", "v"), multi_label=True),
    )
    union = Samples(Path(), pd.concat([first, second, several]), label_sets=sets)
    rows, labels, _ = probed(union)
    assert rows == [4, 5, 6, 7, 8, 9]
    assert labels == [0, 1, 0, 1, 0, 1]
    assert probed(Samples(Path(), several, ("u", "v"), multi_label=True)) == ([], [], [])
