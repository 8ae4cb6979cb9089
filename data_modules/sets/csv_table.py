"""Any data set that a table describes, for hospitals' own data."""

import difflib
import posixpath
from pathlib import Path, PurePosixPath

import pandas as pd

from data_modules.errors import DataError, first_line
from data_modules.samples import Samples, split_label
from data_modules.sets.listing import make_table, require_folder
from data_modules.splits import split_by_patient

REQUIRED = ("path", "label")
OPTIONAL = ("patient", "split", "study")
PATIENT_WORDS = ("subject", "subject_id", "case", "case_id", "person", "pid")
HOW = "put the images and a table with the columns path and label there"


def index(
    root: Path,
    table: str = "samples.csv",
    multi_label: bool = False,
    source: str | None = None,
    split_seed: int = 0,
) -> Samples:
    """Index the images that a CSV table lists.

    Columns: `path` (relative to `root`), `label` (empty: unlabelled), and, where known, `patient`,
    `split` (train, val, test) and `study`. Without `split`, labelled tables are split 70/10/20 by
    patient and unlabelled ones are train.

    Args:
        root: The folder that paths are relative to.
        table: The table's file, relative to `root`.
        multi_label: Read "A|B" as two classes, and "|" as none of them.
        source: Whose patients they are; default: the folder's name. Patients of one name are one
            patient where the sources are alike, in whichever folders.
        split_seed: Seed of the split.

    Raises:
        DataError: Where the table, a column or an image is missing or contradicts itself.
    """
    require_folder(root, HOW)
    rows = _read(root / table)
    _check_paths(root, root / table, rows["path"])
    rows["path"] = rows["path"].map(posixpath.normpath)
    named = "patient" in rows
    samples = make_table(
        list(rows["path"]),
        source=source or root.resolve().name,
        label=list(rows["label"]),
        patient=list(rows["patient"]) if named else None,
        split=list(rows["split"]) if "split" in rows else "train",
        study=list(rows["study"]) if "study" in rows else "",
    )
    notes = [] if named else ["patients are not named: each image is its own group"]
    labels = set(rows["label"])
    classes = set().union(*map(split_label, labels)) if multi_label else labels - {""}
    if classes and "split" not in rows:
        samples["split"] = split_by_patient(samples, split_seed)
        by = "patient" if named else "image"
        notes.append(f"the table gives no split: dealt by {by}, 70/10/20, seed {split_seed}")
    return Samples(
        root,
        samples,
        classes=tuple(sorted(classes)),
        multi_label=multi_label and bool(classes),
        patients_named=named,
        notes=tuple(notes),
    )


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"no file {path}: write it, or name it in options.table")
    try:
        rows = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
        )
    except (ValueError, OSError) as error:
        raise DataError(f"cannot read {path} as CSV: {first_line(error)}") from error
    rows.columns = [str(name).strip() for name in rows.columns]
    rows = rows.apply(lambda column: column.str.strip())
    for name in REQUIRED:
        if name not in rows:
            raise DataError(
                f"{path}: no column '{name}' in {', '.join(rows.columns)}; separate them by commas"
            )
    _check_optional(path, rows)
    if rows.empty:
        raise DataError(f"{path}: the table has no rows")
    return rows


def _check_optional(path: Path, rows: pd.DataFrame) -> None:
    """Refuse an optional column by another name: to pass over `patient_id` would split patients."""
    unknown = [name for name in rows.columns if name not in (*REQUIRED, *OPTIONAL)]
    for name in unknown:
        meant = difflib.get_close_matches(name.lower(), OPTIONAL, n=1, cutoff=0.8)
        if name.lower() in PATIENT_WORDS:
            meant = ["patient"]
        if meant and meant[0] not in rows:
            raise DataError(f"{path}: unknown column '{name}': rename it to '{meant[0]}'")


def _check_paths(root: Path, table: Path, paths: pd.Series) -> None:
    for path in paths:
        if PurePosixPath(path).is_absolute() or not path:
            raise DataError(f"{table}: path '{path}' must be relative to {root}")
    absent = [path for path in paths if not (root / path).is_file()]
    if absent:
        raise DataError(
            f"{table}: {len(absent)} of {len(paths)} images do not exist, for example "
            f"'{absent[0]}'; paths are relative to {root}"
        )
