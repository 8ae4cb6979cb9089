"""Data sets described by a table."""

import posixpath
from pathlib import Path
from typing import Any

import pandas as pd

from data_modules.errors import DataError
from data_modules.formats.images import is_picture
from data_modules.formats.pictures import SUFFIXES
from data_modules.formats.volumes import suffix_of
from data_modules.samples import (
    EXTRA_COLUMNS,
    PATH_COLUMNS,
    UNIT,
    Samples,
    Source,
    folder_key,
    split_label,
)
from data_modules.sets.csv_columns import check_columns, folders_as_patients
from data_modules.sets.csv_rows import read_rows
from data_modules.sets.listing import make_table, missing_files, numbered_names, require_folder
from data_modules.sets.masks import numbered_masks
from data_modules.sets.patients import IMAGES, patients_of
from data_modules.sets.scans import Scans, expand
from data_modules.splits import split_by_patient

MASK = "mask"
HOW = "put the images and a table with the columns path and label there"


def index(
    root: Path,
    table: str = "samples.csv",
    multi_label: bool = False,
    source: str | None = None,
    split_seed: int = 0,
    slices: Any = "all",
    range: Any = None,
    spacing: Any = None,
    memo: Path | None = None,
) -> Samples:
    """Any images that a CSV table lists, for hospitals' own data.

    Columns: `path` (relative to `root`), `label` (empty: unlabelled), and, where known, `patient`,
    `split` (train, val, test), `study`, `mask` (relative to `root`), `slice`, `spacing` and
    `window`. A path names a picture, a DICOM file, the folder of a DICOM series, a volume, or a
    slice of one (`scan.nii.gz#012`); the mask of a volume is a volume. Without `split`, labelled
    tables are split 70/10/20 by patient and unlabelled ones are train.

    Args:
        root: The folder that paths are relative to.
        table: The table's file, relative to `root`.
        multi_label: Read "A|B" as two classes, and "|" as none of them.
        source: Whose patients they are; default: the folder's name. Patients of one name in two
            data sets are one patient where the sources have one name.
        split_seed: Seed of the split.
        slices: Which slices of scans are images, as of the data set `folder`.
        range: As of the data set `folder`.
        spacing: As of the data set `folder`.
        memo: As of the data set `folder`.

    Raises:
        DataError: Where the table, a column, an image or a mask is missing or contradicts itself.
    """
    require_folder(root, HOW)
    rows, passed = _read(root / table)
    for column in [name for name in PATH_COLUMNS if name in rows]:
        rows[column] = _checked_paths(root, root / table, rows[column])
    named = "patient" in rows
    if not named:
        pictures = [path for path in rows["path"] if _is_picture(root, path)]
        folders_as_patients(root / table, pictures, len(_classes(rows["label"], multi_label)))
    scans = expand(root, list(rows["path"]), slices, grey=range is not None, memo=memo)
    rows = _expanded(root / table, rows, scans)
    if MASK in rows:
        stated = [list(rows["path"]), scans.column("given"), list(rows[MASK])]
        rows[MASK] = numbered_masks(root, f"{root / table}", *stated)
    name = source or root.resolve().name
    patients = patients_of(scans.rows)
    given = make_table(
        list(rows["path"]),
        source=name,
        label=list(rows["label"]),
        patient=list(rows["patient"]) if named else patients.names,
        split=list(rows["split"]) if "split" in rows else "train",
        study=list(rows["study"]),
    )
    further = [column for column in (*EXTRA_COLUMNS, UNIT) if column in rows]
    given[further] = rows[further]
    classes = _classes(rows["label"], multi_label)
    notes = scans.notes
    if not named:
        said = ["patients are not named: each image is its own group"]
        notes += patients.notes or [*said, *numbered_names(rows["path"])]
    dealt = bool(classes) and "split" not in rows
    if dealt:
        by_source = given if source else given.assign(source=folder_key(0))
        given["split"] = split_by_patient(by_source, split_seed)
        by = "patient" if named or patients.by != IMAGES else "image"
        notes.append(f"the table gives no split: dealt by {by}, 70/10/20, seed {split_seed}")
    return Samples(
        root,
        given,
        classes=tuple(sorted(classes)),
        multi_label=multi_label and bool(classes),
        patients_named=named or patients.named,
        alone=not named and patients.by == IMAGES,
        split_seed=split_seed if dealt else None,
        notes=(*notes, *passed),
        sources=() if source else (Source(name, by_folder=True),),
    )


def _is_picture(root: Path, path: str) -> bool:
    known = suffix_of(path) in SUFFIXES
    return known or (not (root / path).is_dir() and is_picture(root / path))


def _classes(labels: pd.Series, multi_label: bool) -> set[str]:
    different = set(labels)
    return set().union(*map(split_label, different)) if multi_label else different - {""}


def _expanded(table: Path, rows: pd.DataFrame, scans: Scans) -> pd.DataFrame:
    """A row for each image: of a scan, what the table says of it and what the file says."""
    if (twice := rows["path"][rows["path"].duplicated()]).any():
        raise DataError(f"{table}: {twice.iloc[0]} is listed twice")
    whole = rows.set_index("path").loc[scans.column("given")].reset_index(drop=True)
    whole.insert(0, "path", scans.column("path"))
    own = {"study": scans.column("study"), **scans.further()}
    for name, values in own.items():
        stated = whole[name] if name in whole else pd.Series("", index=whole.index)
        whole[name] = stated.where(stated != "", pd.Series(values, index=whole.index))
    return whole


def _read(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The table, and a note on the columns that are passed over."""
    if not path.exists():
        raise DataError(f"no file {path}: write it, or name it in options.table")
    if not path.is_file():
        raise DataError(f"{path}: is no regular file; name a table by options.table")
    rows = read_rows(path)
    notes = check_columns(path, rows)
    if rows.empty:
        raise DataError(f"{path}: the table has no rows")
    return rows, notes


def _checked_paths(root: Path, table: Path, given: pd.Series) -> pd.Series:
    """Paths in their one normal form; an empty mask stays empty."""
    column = str(given.name)
    known = given if column == "path" else given[given != ""]
    for path in known:
        if not path or path.startswith("/") or "\\" in path:
            raise DataError(
                f"{table}: {column} '{path}' must be relative to {root}, its folders separated by /"
            )
    paths = known.map(posixpath.normpath)
    absent = missing_files(root, paths.tolist(), folders=column == "path")
    if absent:
        what = "images" if column == "path" else "masks"
        raise DataError(
            f"{table}: {len(absent)} of {len(paths)} {what} do not exist as files, for example "
            f"'{absent[0]}'; paths are relative to {root}"
        )
    return paths.reindex(given.index, fill_value="")
