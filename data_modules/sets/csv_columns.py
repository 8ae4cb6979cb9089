"""What the columns of a table mean by their names: the known, the mistaken and the passed over."""

import re
from collections.abc import Iterable

import pandas as pd

from data_modules.errors import DataError
from data_modules.samples import EXTRA_COLUMNS
from data_modules.sets.folder import are_splits, split_meant
from data_modules.spelling import form, quoted

REQUIRED = ("path", "label")
OPTIONAL = ("patient", "split", "study")
PERSON = re.compile(
    r"(pati|pazi|paci|pat$|pt$|ptid|subj|suje|sogg|proband|participa|person|individu|volunt|donor|"
    r"fall|dossier|cases?$|caseid|caso|malade|mrn$|pid$|eid$|hasta|pacj|potilas|"
    r"\u043f\u0430\u0446\u0438|\u60a3\u8005|\u75c5\u4eba|\ud658\uc790)"
)
"""The beginnings of words for a person, in several languages."""
IDENTIFIERS = frozenset({"id", "ids", "uid", "uuid", "guid", "no", "nr", "num", "number", "nummer"})
MORE_IDENTIFIERS = frozenset({"key", "code", "name", "identifier", "hash", "pseudonym", "mrn"})
SPLIT_NAME = re.compile(r"(splits?|k?folds?|subset|partition|cv|is(train|val|test)|traintest.*)$")
SERIES = re.compile(r"(scan|series|serie|stud|exam|accession|visit|session|acquisition)")
FLAGS = frozenset("0 1 0.0 1.0 true false t f yes no y n x".split())  # noqa: SIM905
NUMBERED = re.compile(r"[^\W\d_]+[\W_]*\d+")
LEAST_PATIENTS = 5
"""So many different values such as `p07`, several of them repeated, are no class or device."""


def check_columns(path: object, rows: pd.DataFrame) -> list[str]:
    """Refuse a column that has a meaning under another name, and name those passed over.

    Args:
        path: The table's file, for messages.
        rows: The table, with the file's column names.

    Returns:
        A note that names the columns without a meaning; none where all have one.

    Raises:
        DataError: A required column is missing, a column seems to be the patient, the split or the
            study under another name, or several images of one study have no patient.
    """
    known = (*REQUIRED, *OPTIONAL, *EXTRA_COLUMNS)
    others = [name for name in rows.columns if name not in known]
    for name in others:
        meant = [one for one in known if one not in rows and form(one) == form(name)]
        if meant := meant or _meant(name, rows):
            raise DataError(
                f"{path}: unknown column {quoted([name])}: rename it to '{meant[0]}'"
                f"{' (train, val or test)' if meant[0] == 'split' else ''}, or leave it out"
            )
    for name in REQUIRED:
        if name not in rows:
            listed = ", ".join(rows.columns)
            raise DataError(f"{path}: no column '{name}' in {listed}; name it in line 1")
    if "study" in rows and "patient" not in rows and _repeated(rows["study"]):
        raise DataError(
            f"{path}: several images are of one study, and no column 'patient' says whose it is; "
            "name the patient of every row in a column 'patient' (the study where it is not known)"
        )
    return [f"columns that are passed over: {', '.join(others)}"] if others else []


def _repeated(column: pd.Series) -> bool:
    return bool(column[column != ""].duplicated().any())


def _meant(name: str, rows: pd.DataFrame) -> list[str]:
    """The column that a name, or what is in the column, seems to stand for."""
    words = _words(name)
    values = {value.lower() for value in rows[name].unique()} - {""}
    if "split" not in rows and (
        SPLIT_NAME.match("".join(words))
        or are_splits(values)
        or (split_meant(name) and values <= FLAGS)
    ):
        return ["split"]
    if "patient" in rows:
        return ["study"] if "study" not in rows and words[:1] == ["study"] else []
    rest = [word for word in words if not PERSON.match(word) and not _is_identifier(word)]
    if len(rest) < len(words) and not rest and any(map(PERSON.match, words)):
        return ["patient"]
    repeated = rows[name].nunique() < len(rows)
    named = _is_identifier(words[-1]) or any(map(SERIES.match, words))
    numbered = len(values) >= LEAST_PATIENTS and all(map(NUMBERED.fullmatch, values))
    return ["patient"] if repeated and (named or numbered) else []


def _is_identifier(word: str) -> bool:
    return word in IDENTIFIERS or word in MORE_IDENTIFIERS


def _words(name: str) -> list[str]:
    """The words of a column's name in lower case: "PatientID", "patient_id" and "Patient ID"."""
    apart = re.sub(r"(?<=[a-z\d])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W_]+", apart)] or [name]


def folders_as_patients(path: object, paths: Iterable[str], classes: int) -> None:
    """Refuse a table without patients whose images lie in more folders than classes explain.

    Raises:
        DataError: The folders may be the patients.
    """
    folders = [one.rpartition("/")[0] for one in paths]
    different = sorted(set(folders))
    if len(folders) > len(different) > 3 * max(classes, 2):
        raise DataError(
            f"{path}: no column 'patient', but the images lie in {len(different)} folders, such as "
            f"'{different[0]}', which may be patients; name the patient of every row in a column "
            "'patient' (the image's own path where it has none)"
        )
