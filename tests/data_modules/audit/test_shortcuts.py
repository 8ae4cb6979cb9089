"""A label that can be read from a measure is found, by person, and noise is not."""

import numpy as np
import pandas as pd

from data_modules.audit.findings import NOTE, WARNING
from data_modules.audit.set_audit import shortcut_findings
from data_modules.audit.shortcuts import ALL, Shortcut, find_shortcuts

PERSONS = np.repeat(np.arange(100), 2)
TRUTH = (PERSONS % 2).astype(float)


def shortcuts(**columns: object) -> dict[str, float]:
    table = pd.DataFrame(columns)
    groups = {name: [name] for name in columns}
    return {one.group: one for one in find_shortcuts(table, groups, {"covid": TRUTH}, PERSONS)}


def test_numbers_and_words_that_say_the_label() -> None:
    random = np.random.default_rng(0)
    found = shortcuts(
        size=TRUTH + random.normal(0, 0.2, 200),
        suffix=np.where(TRUTH > 0, ".png", ".jpg"),
        noise=random.normal(size=200),
    )
    assert found["suffix"].auroc == found["suffix"].low == 1
    assert found["size"].low > 0.95
    assert found["noise"].low < 0.5
    assert found[ALL].auroc > 0.95


def test_a_measure_that_only_knows_persons_says_nothing() -> None:
    found = shortcuts(person=np.random.default_rng(1).permutation(100)[PERSONS].astype(float))
    assert found["person"].low < 0.5


def test_what_cannot_be_asked_is_left_out() -> None:
    table = pd.DataFrame({"size": np.ones(200), "other": PERSONS.astype(float)})
    groups = {"size": ["size"], "other": ["other"]}
    rare = np.where(PERSONS < 3, 1.0, 0.0)
    assert find_shortcuts(table, groups, {"rare": rare}, PERSONS) == []
    some = np.where(PERSONS < 60, TRUTH, np.nan)
    assert {one.group for one in find_shortcuts(table, groups, {"covid": some}, PERSONS)} == {
        "other",
        ALL,
    }


def test_a_finding_names_the_clearest_group_and_all_together() -> None:
    found = shortcut_findings(
        [
            Shortcut("covid", ALL, 0.95, 0.92, 0.97),
            Shortcut("covid", "grey levels", 0.75, 0.70, 0.80),
            Shortcut("covid", "size", 0.65, 0.55, 0.70),
            Shortcut("mild", "size", 0.62, 0.52, 0.70),
            Shortcut("severe", "size", 0.62, 0.45, 0.70),
        ]
    )
    assert [one.grade for one in found] == [WARNING, NOTE]
    assert "from grey levels alone: AUROC 0.75 [0.70, 0.80]" in found[0].text
    assert "from all measures together: AUROC 0.95" in found[0].text
    assert found[1].what == "mild from size, AUROC 0.62"
