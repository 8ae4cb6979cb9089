"""A run's record as files of its folder, and back: all that a report is made from."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from matl.checksums import read_file
from matl.errors import MatlError
from matl.evaluation.class_metrics import CLASS
from matl.evaluation.joining import MEAN, STUDY
from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.scored import Scored
from matl.files import json_bytes, read_json
from matl.names import CURVES, MANIFEST, PREDICTIONS, RECORD
from matl.report.metrics_file import recall_metrics
from matl.report.rows import current_name
from matl.report.run_record import NetworkRow, RunRecord, StageRow, StartRow
from matl.spreadsheet import csv_bytes, read_csv
from matl.typed_json import typed

_ELSEWHERE = ("scored", "curves", "manifest", "data")
_TEXT: dict[str, Any] = dict.fromkeys(
    ("model", "image", "patient", STUDY, "source", "split", CLASS), str
)


def record_files(record: RunRecord) -> dict[str, bytes | None]:
    """The files that `read_record` needs, by name; None where there is nothing to keep.

    `predictions.csv` has the scores with a column `model`, `curves.csv` the training curves with a
    column `stage`, `manifest.json` the manifest, and `record.json` the rest.
    """
    scored = record.scored
    rest = {one.name: getattr(record, one.name) for one in fields(record)}
    rest = {name: value for name, value in rest.items() if name not in _ELSEWHERE}
    rest |= scored.about() | {"leaking": sorted(scored.leaking), "join": scored.join}
    for name in ("stages", "networks", "starts"):
        rest[name] = [vars(row) for row in rest[name]]
    rest["data"] = {name: _counts(table) for name, table in record.data.items()}
    return {
        PREDICTIONS: stacked_csv(scored.models, "model"),
        CURVES: stacked_csv(record.curves, "stage"),
        MANIFEST: json_bytes(record.manifest),
        RECORD: json_bytes(rest),
    }


def read_record(folder: Path) -> RunRecord:
    """The record of the run that wrote its report into a folder.

    Raises:
        MatlError: The folder holds no record, or not the whole of it.
    """
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MatlError(
            f"{folder}: holds no finished run or ablation of this version; type its matl run or "
            "matl ablate again: nothing is trained twice"
        ) from error


def _read(folder: Path) -> RunRecord:
    rest = read_json(read_file(folder, RECORD))
    manifest = dict(read_json(read_file(folder, MANIFEST)))
    for part in {"stages", "diagnoses"} & manifest.keys():
        manifest[part] = {current_name(name): one for name, one in manifest[part].items()}
    data = {
        name: _table(rows)
        for name, rows in typed(dict[str, dict[str, dict[str, int]]], rest.pop("data")).items()
    }
    rest["stages"] = [_stage_row(row) for row in rest["stages"]]
    rest["networks"] = [typed(NetworkRow, row) for row in rest["networks"]]
    rest["starts"] = [typed(StartRow, row) for row in rest.get("starts", [])]
    scored = _scored(folder, rest)
    kinds = {"experiment": str, "command": str, "split_note": str, "seeds": int, "notes": list[str]}
    for name in kinds.keys() & rest.keys():
        rest[name] = typed(kinds[name], rest[name], name)
    return RunRecord(
        **rest,
        scored=scored,
        curves=read_curves(folder),
        manifest=manifest,
        data=data,
    )


def _stage_row(row: dict[str, Any]) -> StageRow:
    name = current_name(row["name"])
    return typed(StageRow, {"from_scratch": name != row["name"]} | row | {"name": name})


def _counts(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {
        str(split): {str(name): int(count) for name, count in row.items()}
        for split, row in table.iterrows()
    }


def _table(counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(counts, orient="index").rename_axis("split")
    if table.isna().to_numpy().any():
        raise ValueError("a count is missing")
    return table


def stacked_csv(tables: Mapping[str, pd.DataFrame], key: str) -> bytes | None:
    """Tables below each other, told apart by a first column."""
    if not tables:
        return None
    parts = [table.assign(**{key: name}) for name, table in tables.items()]
    joined = pd.concat(parts, ignore_index=True)
    order = [key, *joined.columns.drop(key)]
    return csv_bytes(joined[order])


def _scored(folder: Path, rest: dict[str, Any]) -> Scored | MultiClassScored:
    """The scores of `predictions.csv`, with the numbers of `metrics.json` where it is of them.

    Args:
        folder: Of the run.
        rest: Its record, from which the classes are taken.

    Raises:
        ValueError: The scores are invalid.
    """
    content = read_file(folder, PREDICTIONS) if (folder / PREDICTIONS).is_file() else None
    models = {} if content is None else read_predictions(content)
    leaking = frozenset(typed(list[tuple[str, str]], rest.pop("leaking", []), "leaking"))
    join = typed(str, rest.pop("join", MEAN), "join")
    scored: Scored | MultiClassScored
    if "classes" in rest:
        classes = typed(list[str], rest.pop("classes"), "classes")
        scored = MultiClassScored(
            models,
            tuple(classes),
            typed(bool, rest.pop("ordered"), "ordered"),
            leaking=leaking,
            join=join,
        )
    else:
        positive, negative = (typed(str, rest.pop(name), name) for name in ("positive", "negative"))
        scored = Scored(models, positive, negative, leaking=leaking, join=join)
    recall_metrics(scored, folder, content)
    return scored


def read_predictions(content: bytes) -> dict[str, pd.DataFrame]:
    """The tables of `predictions.csv` by model."""
    return _apart(read_csv(content, dtype=_TEXT), "model")


def read_curves(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of `curves.csv` by stage, without the columns that are other stages'.

    Raises:
        MatlError: The file has changed since it was written.
    """
    if not (folder / CURVES).is_file():
        return {}
    joined = read_csv(read_file(folder, CURVES), dtype={"epoch": int}, na_values=[""])
    tables = _apart(joined, "stage")
    return {name: table.dropna(axis="columns", how="all") for name, table in tables.items()}


def _apart(joined: pd.DataFrame, key: str) -> dict[str, pd.DataFrame]:
    return {
        current_name(str(name)): table.drop(columns=key).reset_index(drop=True)
        for name, table in joined.groupby(key, sort=False)
    }
