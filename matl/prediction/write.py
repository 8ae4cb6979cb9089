"""The folder of a prediction: nothing but an earlier prediction is replaced."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from matl.errors import MatlError
from matl.files import json_bytes, replace_file
from matl.names import OVERLAYS, PATIENTS, PREDICTION_RECORD, PREDICTIONS, STUDIES
from matl.prediction.result import Prediction
from matl.spreadsheet import csv_bytes


def refuse_folder(folder: Path) -> None:
    """Refuses a folder that is not new, empty or an earlier prediction's.

    Raises:
        MatlError: It is a file, or holds something else than a prediction.
    """
    if folder.exists() and not folder.is_dir():
        raise MatlError(f"--out {folder}: is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PREDICTION_RECORD).is_file():
        raise MatlError(f"--out {folder}: holds something else than predictions; name a new folder")


def clear_folder(folder: Path, about: dict[str, Any]) -> None:
    """Begins a prediction: removes an earlier one, and leaves a record that is not finished.

    So no file of another prediction stands beside those of an interrupted one, and the folder is
    known as one that may be written to.
    """
    replace_file(folder / PREDICTION_RECORD, json_bytes({**about, "finished": False}))
    for name in (PREDICTIONS, STUDIES, PATIENTS):
        replace_file(folder / name, None)
    if (folder / OVERLAYS).is_dir():
        shutil.rmtree(folder / OVERLAYS)


def write_prediction(prediction: Prediction, folder: Path) -> None:
    """Writes a prediction as tables and then as JSON into a folder that was cleared."""
    tables = {
        PREDICTIONS: prediction.images,
        STUDIES: prediction.studies,
        PATIENTS: prediction.patients,
    }
    for name, table in tables.items():
        if table is not None:
            replace_file(folder / name, csv_bytes(table))
    unreadable = [{"image": path, "reason": reason} for path, reason in prediction.unreadable]
    record = {
        **prediction.about,
        "finished": True,
        "notes": list(prediction.notes),
        "unreadable": unreadable,
        "images": _rows(prediction.images),
        "studies": _rows(prediction.studies),
        "patients": _rows(prediction.patients),
    }
    replace_file(folder / PREDICTION_RECORD, json_bytes(record))


def _rows(table: pd.DataFrame | None) -> list[dict[Any, Any]]:
    return [] if table is None else table.to_dict("records")
