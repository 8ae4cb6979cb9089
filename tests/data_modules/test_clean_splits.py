"""The clean split: nothing is in two parts, what is missing or contradicted is said."""

from pathlib import Path

import pandas as pd
import pytest

from data_modules.audit.clean_split import clean_split
from data_modules.audit.copy_findings import pair_table
from data_modules.audit.publications import publication_of
from data_modules.clean_splits import clean_names, take_clean
from data_modules.config import DataConfig
from data_modules.errors import DataError
from data_modules.registry import load
from data_modules.samples import Samples
from data_modules.splits import split_leaks

ROWS = [
    ("a.png", "covid", "p1", "train"),
    ("b.png", "covid", "p1", "test"),
    ("c.png", "normal", "p2", "test"),
    ("2020.1-p3-1.png", "covid", "p3", "train"),
    ("2020.1-p4-2.png", "covid", "p4", "val"),
    ("2020.1-p4-3.png", "normal", "p5", "val"),
    ("d.png", "covid", "p6", "train"),
    ("e.png", "normal", "p7", "train"),
]


def samples() -> Samples:
    table = pd.DataFrame(ROWS, columns=["path", "label", "patient", "split"])
    table = table.assign(study="", source="s")
    return Samples(Path("scans"), table, classes=("normal", "covid"), published=("s",))


def test_persons_publications_and_copies_stay_together_and_contradictions_are_left_out() -> None:
    whole = samples()
    pairs = pair_table(whole, [(6, 7, "near", 0.99)])
    split = dict(clean_split(whole, pairs).to_numpy().tolist())
    assert split == {
        "2020.1-p3-1.png": "val",
        "2020.1-p4-2.png": "val",
        "2020.1-p4-3.png": "val",
        "a.png": "train",
        "b.png": "train",
        "c.png": "test",
    }


def test_copies_of_one_label_are_held_together() -> None:
    whole = samples()
    pairs = pair_table(whole, [(0, 6, "part", 0.95)])
    split = dict(clean_split(whole, pairs).to_numpy().tolist())
    assert split["a.png"] == split["b.png"] == split["d.png"] == "train"
    assert len(split) == len(ROWS)


def test_an_unlabelled_copy_contradicts_no_label() -> None:
    whole = samples()
    whole.table.loc[7, "label"] = ""
    split = dict(clean_split(whole, pair_table(whole, [(6, 7, "near", 0.99)])).to_numpy().tolist())
    assert split["d.png"] == split["e.png"] == "train"


def test_a_set_without_one_says_which_have_one() -> None:
    assert clean_names() == ["covid_ct"]
    with pytest.raises(DataError, match=r"no clean split of folder is shipped .*of covid_ct"):
        take_clean(samples(), "folder")
    with pytest.raises(DataError, match="images of the clean split are missing"):
        take_clean(samples(), "covid_ct")


@pytest.mark.real_data
def test_the_clean_split_of_covid_ct(real_data: Path) -> None:
    clean = load(DataConfig(name="covid_ct", split="clean"), real_data)
    table = clean.table
    assert len(table) == 742
    assert split_leaks(clean).empty
    assert clean.published == ()
    publications = table["path"].map(publication_of)
    named = table[publications != ""].groupby(publications)["split"].nunique()
    assert named.max() == 1
    assert not {"71%0.jpg", "kjr-21-e24-p5-29.png"} & set(table["path"].str.rsplit("/").str[-1])
    assert table.groupby("split").size().to_dict() == {"test": 193, "train": 423, "val": 126}
    [note] = [note for note in clean.notes if "the clean one of covid_ct" in note]
    assert "4 images that it does not list are left out" in note
    assert "11 are in another part" in note
    assert not any("WARNING" in note for note in clean.notes)
