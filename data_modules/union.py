"""Several data sets as one."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import Samples


def join(members: Sequence[Samples]) -> Samples:
    """Concatenate data sets; paths then start from the folders' common parent.

    Labels stay where all labelled members have the same classes, else every image counts as
    unlabelled and a note says so. Members without classes may always join.

    Raises:
        DataError: Where two folders have one name, or an image is in two members.
    """
    parent = Path(os.path.commonpath([os.path.abspath(samples.root) for samples in members]))
    _check_sources(members)
    labelled = [samples for samples in members if samples.classes]
    kinds = {(samples.classes, samples.multi_label) for samples in labelled}
    tables = []
    for samples in members:
        start = Path(os.path.abspath(samples.root)).relative_to(parent)
        table = samples.table.copy()
        table["path"] = [(start / path).as_posix() for path in table["path"]]
        tables.append(table)
    joined = pd.concat(tables, ignore_index=True)
    notes = tuple(
        f"{samples.table['source'].iloc[0]}: {note}"
        for samples in members
        for note in samples.notes
        if len(samples)
    )
    if len(kinds) > 1:
        joined["label"] = ""
        labelled = []
        notes = (*notes, "the members' classes differ: all images count as unlabelled")
    positives = {samples.positive for samples in labelled}
    return Samples(
        parent,
        joined,
        classes=labelled[0].classes if labelled else (),
        positive=positives.pop() if len(positives) == 1 else None,
        multi_label=bool(labelled) and labelled[0].multi_label,
        patients_named=all(samples.patients_named for samples in members),
        notes=notes,
    )


def _check_sources(members: Sequence[Samples]) -> None:
    """Refuse two folders of one name: their patients could not be told apart."""
    root_of: dict[str, str] = {}
    for samples in members:
        root = os.path.abspath(samples.root)
        for source in samples.table["source"].unique():
            if root_of.setdefault(source, root) != root:
                raise DataError(
                    f"data.union: {root_of[source]} and {root} have one name, so their patients "
                    "cannot be told apart; rename a folder"
                )
