"""One table for every data set: path, label, patient, split, study, source, and further columns."""

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_modules.errors import DataError
from data_modules.formats.places import with_levels
from data_modules.formats.zoom import with_spacing
from data_modules.rest import rest_notes
from data_modules.spelling import quoted, spelled_alike, without_value

COLUMNS = ("path", "label", "patient", "split", "study", "source")
EXTRA_COLUMNS = ("mask", "slice", "spacing", "window")
UNIT, LEVELS = "unit", "levels"
"""Columns of images whose values are more than grey levels; see `data_modules.levels`."""
RESAMPLED = "resampled"
"""The column of the spacing that an image is looked at with; see `data_modules.spacing`."""
PATH_COLUMNS = ("path", "mask")
SPLITS = ("train", "val", "test")
UNLABELLED = -1
SEPARATOR = "|"
LEFT_OUT = ("passed over", "hold no image", "holds no image", "are left out")
"""How notes say what of a data set's folder is none of its images."""


@dataclass(frozen=True)
class LabelSet:
    """The classes of some of a union's data sets, where others have other classes.

    Attributes:
        name: The data sets, as one word.
        sources: Their names in the column `source`.
        classes: Class names; a label's number is its place here.
        multi_label: Whether an image may have several of them.
    """

    name: str
    sources: tuple[str, ...]
    classes: tuple[str, ...]
    multi_label: bool


@dataclass(frozen=True)
class Source:
    """Where some of the images come from, where that is more than a fixed name.

    Attributes:
        name: The name in the column `source`.
        start: The folder below `root` that holds them, posix, "" for `root` itself.
        by_folder: Whether the name is only the folder's, which may be renamed or copied.
    """

    name: str
    start: str = ""
    by_folder: bool = False


@dataclass(frozen=True)
class Samples:
    """The images of a data set with what is known of each.

    Further columns of the table travel along as text, "" where unknown. Names with a meaning are
    `mask` (path of a mask, relative to `root`), `slice` (its number in the scan), `spacing`
    (millimetres per pixel), `window` (the name of the grey-level window), `unit` ("HU", or "grey"
    for other values of more than 8 bits), `levels` (which values become black and white) and
    `resampled` (the millimetres per pixel that it is looked at with).

    Attributes:
        root: The folder that the paths start from.
        table: One row per image, RangeIndex, text columns `path` (posix, relative to `root`; with
            `#` and a number where it is a slice of a file, see `data_modules.formats.places`),
            `label`, `patient`, `split` ("train", "val" or "test"), `study` (may be ""), `source`
            (the data set's name), then further columns in sorted order. A label is ""
            (unlabelled) or a class name; with `multi_label` it is "A|B", and "|" says that none of
            the classes applies.
        classes: Class names; a label's number is its place here.
        positive: The class that metrics count as positive, or None.
        multi_label: Whether an image may have several classes.
        patients_named: False where the data set does not say which images share a patient; then
            `patient` holds the best known stand-in.
        label_sets: In a union of data sets with different classes, each kind of labels; then
            `classes` is empty. Empty elsewhere.
        alone: Whether each image counts as a patient for want of any name, so that images that are
            nearly alike are to be held together.
        split_seed: Seed of the split where it was dealt here, by `split_by_patient`; None where the
            data gives it.
        published: The sources whose split is kept as it was published, though persons of theirs are
            in several parts of it; `data_modules.splits.split_leaks` lists them.
        notes: What a reader of a report should know of the data, a sentence each.
        sources: The sources whose name comes from a folder, or whose paths start below `root`.

    Raises:
        DataError: Where the table contradicts itself, or a patient is in two splits that are not
            published ones.
    """

    root: Path
    table: pd.DataFrame
    classes: tuple[str, ...] = ()
    positive: str | None = None
    multi_label: bool = False
    patients_named: bool = True
    alone: bool = False
    split_seed: int | None = None
    label_sets: tuple[LabelSet, ...] = ()
    published: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.table.columns]
        if missing:
            raise DataError(f"{self.root}: the table lacks the columns {', '.join(missing)}")
        if self.table[list(COLUMNS)].isna().to_numpy().any():
            raise DataError(f"{self.root}: the table has empty cells; write '' instead")
        object.__setattr__(self, "table", _text_table(self.table))
        object.__setattr__(self, "root", Path(self.root))
        for name in ("classes", "published", "notes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_classes()
        self._check_rows()
        self._check_patients()

    def __len__(self) -> int:
        return len(self.table)

    def files(self) -> list[Path]:
        """The images' paths, in the table's order."""
        return [self.root / path for path in self.table["path"]]

    def absolute_paths(self) -> list[str]:
        """The images' absolute paths, in the table's order."""
        start = os.path.join(os.path.abspath(self.root), "")
        return [start + path for path in texts(self.table["path"])]

    def images(self) -> list[str]:
        """What reads each image: its absolute path, and the grey levels and zoom it is seen at."""
        paths = self.absolute_paths()
        if LEVELS in self.table:
            paths = list(map(with_levels, paths, texts(self.table[LEVELS])))
        if RESAMPLED in self.table:
            paths = list(
                map(with_spacing, paths, texts(self.table["spacing"]), texts(self.table[RESAMPLED]))
            )
        return paths

    def named_files(self, column: str) -> list[Path | None]:
        """The files that a further column names, None where it is empty."""
        paths = texts(self.table[column]) if column in self.table else [""] * len(self)
        return [self.root / path if path else None for path in paths]

    def source_keys(self) -> dict[str, str]:
        """What stands for each source wherever a folder's name must not count.

        Returns:
            The name of each source of the table, or "#0", "#1" ... where that is only a folder's,
            numbered in the order of `sources`.
        """
        keys = {name: name for name in self.table["source"].unique()}
        folders = [one.name for one in self.sources if one.by_folder]
        return keys | {name: folder_key(number) for number, name in enumerate(folders)}

    def portable_table(self) -> pd.DataFrame:
        """The table without what depends on the place and the names of folders.

        Returns:
            A copy with `source_keys` as sources, and with paths below each source's own folder.
        """
        table = self.table.copy()
        for one in self.sources:
            if one.start:
                own = table["source"] == one.name
                for column in [name for name in PATH_COLUMNS if name in table]:
                    table[column] = table[column].where(
                        ~own, table[column].str[len(one.start) + 1 :]
                    )
        keys = self.source_keys()
        if any(name != key for name, key in keys.items()):
            table["source"] = table["source"].map(keys)
        return table

    def left_out(self) -> str:
        """The notes on what is passed over, to end a line that says what is missing; "" without."""
        said = [note for note in self.notes if any(words in note for words in LEFT_OUT)]
        return "".join(f"; {note.removeprefix('WARNING: ')}" for note in said)

    def targets(self) -> np.ndarray:
        """What a model is to predict.

        Returns:
            int64 [N], the class number or -1 where unlabelled; with `multi_label` float32 [N, C] of
            0 and 1, a row of -1 where unlabelled.
        """
        labels = self.table["label"]
        if not self.multi_label:
            number = {name: place for place, name in enumerate(self.classes)} | {"": UNLABELLED}
            return labels.map(number).to_numpy(dtype=np.int64)
        kind, distinct = labels.factorize()
        targets = np.zeros((len(distinct), len(self.classes)), dtype=np.float32)
        for row, text in enumerate(distinct):
            named = split_label(text)
            targets[row] = [name in named for name in self.classes] if text else UNLABELLED
        return targets[kind]

    def part(self, labels: LabelSet) -> "Samples":
        """The images of one of the `label_sets`, with its classes."""
        own = self.table[self.table["source"].isin(labels.sources)]
        return replace(
            self,
            table=own,
            classes=labels.classes,
            multi_label=labels.multi_label,
            label_sets=(),
        )

    def label_set_numbers(self) -> np.ndarray:
        """The place in `label_sets` of each image's labels, int64 [N], or -1."""
        place = {s: number for number, one in enumerate(self.label_sets) for s in one.sources}
        return self.table["source"].map(place).fillna(-1).to_numpy(dtype=np.int64)

    def groups(self) -> np.ndarray:
        """A number for each (source, patient), int64 [N], from 0 in sorted order."""
        source = self.table["source"].map(self.source_keys())
        groups = self.table.groupby([source, "patient"], sort=True)
        return groups.ngroup().to_numpy(dtype=np.int64)

    def subset(self, mask: Any) -> "Samples":
        """The rows where `mask` (bool [N]) is true, in the same order."""
        keep = np.asarray(mask, dtype=bool)
        if keep.shape != (len(self),):
            raise ValueError(f"the mask has shape {keep.shape}, the table {len(self)} rows")
        rows = copy.copy(self)
        object.__setattr__(rows, "table", self.table[keep].reset_index(drop=True))
        return rows

    def against_rest(self) -> "Samples":
        """The positive class (number 1) against all others (number 0), single-label.

        Raises:
            DataError: Where no class is named as the positive one, or images have several classes.
        """
        if self.multi_label:
            raise DataError(
                f"{self.root}: a diagnosis needs one class per image; multi-labels are for a stage "
                "whose task is source"
            )
        if self.positive is None:
            several = ", or to null to tell all of them apart (multi-class)"
            raise DataError(
                f"{self.root}: a diagnosis needs one positive class; set data.positive to one of "
                f"{', '.join(self.classes) or '(none: the data set has no labels)'}"
                f"{several if len(self.classes) > 2 else ''}{self.left_out()}"
            )
        others = [name for name in self.classes if name != self.positive]
        rest = others[0] if len(others) == 1 else f"not {self.positive}"
        labels = self.table["label"].where(self.table["label"].isin(["", self.positive]), rest)
        notes = [*self.notes, *rest_notes(self.table, rest, others, self.positive, SPLITS)]
        return replace(
            self,
            table=self.table.assign(label=labels),
            classes=(rest, self.positive),
            notes=tuple(notes),
        )

    def _check_classes(self) -> None:
        if len(set(self.classes)) != len(self.classes) or "" in self.classes:
            raise DataError(f"{self.root}: class names must differ and not be empty")
        alike = spelled_alike(self.classes, fractions=True)
        if alike:
            where = " and ".join(map(self._first_of, alike))
            raise DataError(
                f"{self.root}: the classes {quoted(alike)} are one, written in several ways "
                f"({where}); write it in one way everywhere"
            )
        for name in self.classes:
            if without_value(name):
                raise DataError(
                    f"{self.root}: the label '{name}' stands for no value, so it is no class; "
                    "leave these images without a label, or give the class a name"
                )
        if self.multi_label and any(SEPARATOR in name for name in self.classes):
            raise DataError(f"{self.root}: a multi-label class name must not hold '{SEPARATOR}'")
        if self.positive is not None and self.positive not in self.classes:
            raise DataError(
                f"data.positive: {self.root} has no class '{self.positive}'; "
                f"its classes are {', '.join(self.classes) or '(none)'}{self.left_out()}"
            )

    def _first_of(self, name: str) -> str:
        """The path of the first image of a class; "no image" where it has none."""
        of_it = [name in split_label(label) for label in texts(self.table["label"])]
        return str(self.table["path"][of_it].iloc[0]) if any(of_it) else "no image"

    def _check_rows(self) -> None:
        table = self.table
        for name in table:
            if (unwritable := not_utf_8(texts(table[name]))) is not None:
                raise DataError(f"{self.root}: the {name} {unwritable!a} is not UTF-8; rename it")
        wrong = table["split"][~table["split"].isin(SPLITS)]
        if len(wrong):
            raise DataError(f"{self.root}: split '{wrong.iloc[0]}' is none of {', '.join(SPLITS)}")
        repeated = table["path"][table["path"].duplicated()]
        if len(repeated):
            raise DataError(f"{self.root}: {repeated.iloc[0]} is listed twice")
        if self.label_sets:
            for one in self.label_sets:
                self.part(one)
            return
        for label in table["label"].unique():
            names = split_label(label) if self.multi_label else {label} - {""}
            if not names <= set(self.classes):
                raise DataError(
                    f"{self.root}: label '{label}' is none of the classes "
                    f"{', '.join(self.classes) or '(none)'}"
                )

    def _check_patients(self) -> None:
        if (self.table["patient"] == "").any():
            path = self.table["path"][self.table["patient"] == ""].iloc[0]
            raise DataError(f"{self.root}: {path} has no patient; give each image a group")
        if self.patients_named:
            self._check_patient_names()
        table = self.table[~self.table["source"].isin(self.published)]
        sources, _ = table["source"].factorize()
        patients, names = table["patient"].factorize()
        person, people = pd.factorize(sources * len(names) + patients)
        placed = np.zeros((len(people), len(SPLITS)), dtype=bool)
        for place, name in enumerate(SPLITS):
            placed[person[(table["split"] == name).to_numpy()], place] = True
        twice = placed.sum(axis=1) > 1
        if twice.any():
            raise DataError(
                f"{self.root}: {twice.sum()} patients are in two splits, for example "
                f"'{names[people[twice][0] % len(names)]}'; put all images of a patient into one "
                "split, or give different people different names"
            )

    def _check_patient_names(self) -> None:
        for _, names in self.table.groupby("source", sort=False)["patient"]:
            different = tuple(sorted(names.unique()))
            if nameless := [name for name in different if without_value(name)]:
                raise DataError(
                    f"{self.root}: the patient '{nameless[0]}' stands for no value; give each "
                    "image its patient, or a name of its own where that is not known"
                )
            if alike := spelled_alike(different, fractions=False):
                raise DataError(
                    f"{self.root}: the patients {quoted(alike)} differ in form only; write one "
                    "patient in one way, or give different people different names"
                )


def _text_table(table: pd.DataFrame) -> pd.DataFrame:
    """All columns as text in their fixed order; unknown cells of further columns are ""."""
    further = sorted(name for name in table.columns if name not in COLUMNS)
    columns = {name: table[name].astype(str) for name in COLUMNS}
    for name in further:
        columns[name] = table[name].astype(str).where(table[name].notna(), "")
    return pd.DataFrame(columns).reset_index(drop=True)


def texts(column: pd.Series) -> list[str]:
    """The cells of a text column as a list, which is much faster to go through."""
    return column.to_numpy(dtype=object).tolist()


def not_utf_8(words: Sequence[str]) -> str | None:
    """The first text that no file in UTF-8 can hold, as of a file name in another encoding."""
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        return next((word for word in words if not _encodes(word)), None)
    return None


def _encodes(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def folder_key(number: int) -> str:
    """What stands for a source that is named by its folder, the `number`-th of such sources."""
    return f"#{number}"


def split_label(label: str) -> set[str]:
    """The class names in a multi-label text: "A|B" gives {"A", "B"}, "" and "|" give none."""
    return set(label.split(SEPARATOR)) - {""}
