"""Findings of images that show the same: across splits, labels and persons."""

from collections.abc import Sequence

import pandas as pd

from data_modules.audit.copies import EXACT, Found
from data_modules.audit.findings import IMAGE_COLUMNS, NOTE, PAIR_COLUMNS, SERIOUS, WARNING, Finding
from data_modules.audit.publications import publication_of
from data_modules.counted import counted
from data_modules.samples import Samples
from data_modules.splits import split_leaks


def pair_table(samples: Samples, copies: Sequence[Found]) -> pd.DataFrame:
    """Pairs of rows as a table with `PAIR_COLUMNS`."""
    table = samples.table[["path", "split", "source", "patient", "label"]]
    first = table.iloc[[one[0] for one in copies]].reset_index(drop=True)
    second = table.iloc[[one[1] for one in copies]].reset_index(drop=True)
    kinds = pd.DataFrame([one[2:] for one in copies], columns=["kind", "likeness"])
    return pd.concat([first, second.add_prefix("other_"), kinds], axis=1)[list(PAIR_COLUMNS)]


def two_labels(pairs: pd.DataFrame) -> pd.Series:
    """Which pairs are of two labels; an unlabelled image contradicts none."""
    both = (pairs[["label", "other_label"]] != "").all(axis=1)
    return both & (pairs["label"] != pairs["other_label"])


def copy_findings(samples: Samples, pairs: pd.DataFrame) -> list[Finding]:
    """What pairs of images that show the same mean; each pair counts in each finding it is of.

    Args:
        samples: The data set.
        pairs: Its copies, as `pair_table` gives them.
    """
    across = pairs["split"] != pairs["other_split"]
    labels = two_labels(pairs)
    person = ["source", "patient"]
    others = pairs[[f"other_{name}" for name in person]].set_axis(person, axis=1)
    persons = (pairs[person] != others).any(axis=1) & samples.patients_named
    exact = pairs["kind"] == EXACT
    return [
        _of_pairs(
            "copies_across_splits",
            SERIOUS,
            pairs[across],
            "the same is shown in two splits, so that a test on it is no test; leave one of each "
            "out, or move both to one split",
        ),
        _of_pairs(
            "two_labels",
            SERIOUS,
            pairs[labels],
            "the same is shown under two labels, of which one is wrong; leave both out, or correct "
            "it",
        ),
        _of_pairs(
            "copies_of_two_persons",
            WARNING,
            pairs[persons],
            "the same is shown under the names of two persons, who are then one; give them one "
            "name, or a split by person divides them",
        ),
        _of_pairs(
            "exact_copies",
            NOTE,
            pairs[exact & ~across & ~labels & ~persons],
            "the same is there twice within a split, and counts twice",
        ),
    ]


def person_finding(samples: Samples) -> Finding:
    """The persons who are in several splits."""
    leaks = split_leaks(samples).reset_index()
    persons = set(zip(leaks["source"], leaks["patient"], strict=True))
    table = samples.table
    keys = zip(table["source"], table["patient"], strict=True)
    rows = _images(table[[key in persons for key in keys]])
    images = counted(len(rows), "image", "images")
    tested = int((rows["split"] == "test").sum())
    return Finding(
        "persons_across_splits",
        SERIOUS,
        len(leaks),
        "person" if len(leaks) == 1 else "persons",
        f"in several splits, with {images} ({tested} of the test split): a model may "
        "recognise them; split by person",
        rows,
    )


def publication_finding(samples: Samples) -> Finding:
    """The publications, as far as file names say them, with figures in several splits."""
    table = samples.table.assign(value=samples.table["path"].map(publication_of))
    table = table[table["value"] != ""]
    splits = table.groupby("value")["split"].nunique()
    several = splits.index[splits > 1]
    rows = _images(table[table["value"].isin(several)]).sort_values(["value", "split"])
    return Finding(
        "publications_across_splits",
        WARNING,
        len(several),
        "publication" if len(several) == 1 else "publications",
        f"with figures in several splits ({len(rows)} images): scanner, window and layout say the "
        "label without the disease; split by publication",
        rows,
    )


def _of_pairs(kind: str, grade: str, pairs: pd.DataFrame, text: str) -> Finding:
    what = "pair of images" if len(pairs) == 1 else "pairs of images"
    return Finding(kind, grade, len(pairs), what, text, pairs.reset_index(drop=True))


def _images(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(value=table.get("value", ""))[list(IMAGE_COLUMNS)].reset_index(drop=True)
