"""Several data sets as one."""

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import PATH_COLUMNS, LabelSet, Samples, Source
from data_modules.spelling import form, quoted, spelled_alike


def join(members: Sequence[Samples]) -> Samples:
    """Concatenate data sets; paths then start from the folders' common parent.

    Members with the same classes share them; where classes differ, the union has no classes of its
    own but one label set per kind, which only sources can be trained on. Members without classes
    may always join. A column that only some members have is "" in the others.

    Raises:
        DataError: Where two folders have one name, or an image is in two members.
    """
    parent = Path(os.path.commonpath([os.path.abspath(samples.root) for samples in members]))
    _check_sources(members)
    labelled = [samples for samples in members if samples.classes]
    label_sets = _label_sets(labelled)
    moved = [_moved(samples, parent) for samples in members]
    notes = tuple(
        f"{samples.table['source'].iloc[0]}: {note}"
        for samples in members
        for note in samples.notes
        if len(samples)
    )
    if label_sets:
        labelled = []
        names = ", ".join(one.name for one in label_sets)
        notes = (*notes, f"the members' classes differ: labels of their own for {names}")
    elif len(labelled) > 1:
        listed = ", ".join(labelled[0].classes)
        notes = (*notes, f"the members share their classes: {listed}")
    positives = {samples.positive for samples in labelled}
    return Samples(
        parent,
        pd.concat([table for table, _ in moved], ignore_index=True),
        classes=labelled[0].classes if labelled else (),
        positive=positives.pop() if len(positives) == 1 else None,
        multi_label=bool(labelled) and labelled[0].multi_label,
        patients_named=all(samples.patients_named for samples in members),
        label_sets=label_sets,
        published=tuple(name for samples in members for name in samples.published),
        notes=notes,
        sources=tuple(dict.fromkeys(source for _, sources in moved for source in sources)),
    )


def _moved(samples: Samples, parent: Path) -> tuple[pd.DataFrame, list[Source]]:
    """A member's table with paths that start from `parent`, and its sources."""
    start = Path(os.path.abspath(samples.root)).relative_to(parent).as_posix()
    start = "" if start == "." else start
    table = samples.table.copy()
    if start:
        for column in [name for name in PATH_COLUMNS if name in table]:
            table[column] = table[column].where(table[column] == "", f"{start}/" + table[column])
    known = {source.name: source for source in samples.sources}
    sources = [known.get(name, Source(name)) for name in table["source"].unique()]
    starts = [f"{start}/{source.start}".strip("/") for source in sources]
    moved = [replace(one, start=at) for one, at in zip(sources, starts, strict=True)]
    return table, moved


def _label_sets(labelled: Sequence[Samples]) -> tuple[LabelSet, ...]:
    """One for each kind of classes; none where all members have the same, in whatever order."""
    kinds: dict[tuple[frozenset[str], bool], list[Samples]] = {}
    for samples in labelled:
        kinds.setdefault((frozenset(samples.classes), samples.multi_label), []).append(samples)
    _check_spellings([classes for classes, _ in kinds])
    if len(kinds) < 2:
        return ()
    return tuple(_label_set(members) for members in kinds.values())


def _label_set(members: Sequence[Samples]) -> LabelSet:
    names = tuple(name for samples in members for name in samples.table["source"].unique())
    return LabelSet("+".join(names), names, members[0].classes, members[0].multi_label)


def _check_spellings(kinds: Sequence[frozenset[str]]) -> None:
    """Refuse members whose classes differ in their spelling alone."""
    for one, other in combinations(kinds, 2):
        alike = spelled_alike(tuple(sorted(one | other)), fractions=True)
        if alike and {form(name) for name in one} == {form(name) for name in other}:
            raise DataError(
                f"data.union: the members' classes {quoted(alike)} are one, written in several "
                "ways; write it in one way in all members"
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
