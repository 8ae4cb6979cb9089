"""The report of a run: a folder that a reader needs nothing else beside."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from matl.evaluation.groups import Group
from matl.evaluation.metrics import CONFIDENCE, RESAMPLES, THRESHOLD
from matl.evaluation.paired import PAIRED_CAPTION
from matl.evaluation.statistics.calibration import BINS
from matl.files import json_bytes, replace_file
from matl.names import CURVES_FIGURE, METRICS_FILE, PREDICTIONS, REPORT, ROC_FIGURE
from matl.report.curves import roc_figure, training_figure
from matl.report.drawing import png_bytes
from matl.report.paths import hide_paths, hide_value
from matl.report.run_files import record_files
from matl.report.run_record import Result, RunRecord
from matl.report.tables import (
    PATIENT_CAPTION,
    calibration_line,
    diagnosis_caption,
    diagnosis_markdown,
    escape,
    paired_markdown,
    source_markdown,
    stage_caption,
    stage_markdown,
)


def write_report(record: RunRecord, folder: Path) -> Path:
    """Writes a run's report.

    The folder then holds `report.md`, `roc.png` (where a model was scored on both classes),
    `curves.png` (where a stage logged a value), `metrics.json` (every number with its interval,
    split, positive class and seeds) and the record itself (see `stored_record`). Each file is
    replaced whole, `report.md` last. Paths are hidden: see `matl.report.paths`.

    Args:
        record: The run.
        folder: Made where it does not exist; other files in it stay.

    Returns:
        The path of `report.md`.

    Raises:
        ValueError: Where scores are invalid (see `matl.evaluation.metrics.check_scores`); then
            nothing is written.
    """
    record = _portable(record)
    results = {split: record.results(split) for split in record.splits()}
    roc, curves = _roc(record, results), training_figure(record.curves)
    contents = {
        ROC_FIGURE: png_bytes(roc),
        CURVES_FIGURE: png_bytes(curves),
        **record_files(record),
        METRICS_FILE: json_bytes(_metrics(record, results)),
        REPORT: _markdown(record, results, roc is not None, curves is not None).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        replace_file(folder / name, content)
    return folder / REPORT


def fenced(text: str, language: str) -> str:
    """A block of code in Markdown, whatever the text holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _portable(record: RunRecord) -> RunRecord:
    return replace(
        record,
        command=hide_paths(record.command),
        stages=[replace(row, **plain_value(asdict(row))) for row in record.stages],
        split_note=hide_paths(record.split_note),
        manifest=plain_value(record.manifest),
        notes=[hide_paths(note) for note in record.notes],
    )


def plain_value(value: Any) -> Any:
    """What JSON can hold of a value, its paths hidden; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {hide_value(str(key)): plain_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(one) for one in value]
    if isinstance(value, np.generic):
        return plain_value(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return hide_value(str(value))


def _metrics(record: RunRecord, results: dict[str, list[Result]]) -> dict[str, Any]:
    by_patient = record.by_patient()
    return {
        "experiment": record.experiment,
        "command": record.command,
        "interval": {"over": "patients", "confidence": CONFIDENCE, "resamples": RESAMPLES},
        "threshold": THRESHOLD,
        "metrics": _numbers(record, [one for rows in results.values() for one in rows]),
        "differences": [
            {"split": split, **plain_value(asdict(one))}
            for split in results
            for one in record.paired(split)
        ],
        "by_patient": _numbers(
            record,
            [one for split in _repeated(results) for one in by_patient.results(split)],
        ),
        "by_source": [
            {"model": model, "split": split, **row}
            for split in results
            for model, groups in record.sources(split).items()
            for row in _numbers(record, groups)
        ],
        "calibration": [
            {"model": model, "split": "test", "fitted_on": "val", "bins": BINS, **asdict(one)}
            for model, one in record.calibrations().items()
        ],
        "stages": [asdict(row) for row in record.stages],
    }


def _numbers(record: RunRecord, results: Sequence[Result | Group]) -> list[dict[str, Any]]:
    """A row for each metric of each result, with all that says what it is of."""
    about = {"positive": record.positive, "negative": record.negative, "seeds": record.seeds}
    rows = []
    for result in results:
        of = {name: one for name, one in vars(result).items() if name != "metrics"}
        rows += [
            {**of, "metric": metric, **asdict(estimate), **about}
            for metric, estimate in result.metrics.items()
        ]
    return rows


def _repeated(results: Mapping[str, Sequence[Result]]) -> list[str]:
    """The splits in which a patient has several images."""
    return [
        split for split, rows in results.items() if any(one.images > one.patients for one in rows)
    ]


def _roc(record: RunRecord, results: dict[str, list[Result]]) -> Figure | None:
    for split, rows in results.items():
        auroc = {row.model: row.metrics["auroc"] for row in rows}
        auroc = {name: one for name, one in auroc.items() if one.value is not None}
        if auroc:
            scores = {name: part for name, part in record.scores(split).items() if name in auroc}
            title = f"{record.experiment}: {split} split, positive = {record.positive}"
            return roc_figure(scores, auroc, title)
    return None


def _markdown(
    record: RunRecord, results: dict[str, list[Result]], has_roc: bool, has_curves: bool
) -> str:
    parts = [f"# {escape(record.experiment)}", fenced(record.command, "bash")]
    for split, rows in results.items():
        parts += [f"## Diagnosis, {split} split, positive = {escape(record.positive)}"]
        parts += [diagnosis_markdown(record, split), escape(diagnosis_caption(record, rows))]
        if differences := record.paired(split):
            parts += ["### Differences", paired_markdown(differences), escape(PAIRED_CAPTION)]
        if split == "test" and record.calibrations():
            parts += [escape(calibration_line(record.calibrations()))]
        if split in _repeated(results):
            parts += ["### Each patient once", diagnosis_markdown(record.by_patient(), split)]
            parts += [escape(PATIENT_CAPTION)]
        if record.sources(split):
            parts += ["### By source", source_markdown(record, split)]
    if not results:
        parts += ["## Diagnosis", "No image of a test or val split was scored."]
    if has_roc:
        parts += [f"![ROC curves]({ROC_FIGURE})"]
    parts += ["## Stages", stage_markdown(record), escape(stage_caption(record))]
    if has_curves:
        parts += [f"![Training curves]({CURVES_FIGURE})"]
    if record.notes:
        parts += ["## Notes", "\n".join(f"- {escape(note)}" for note in record.notes)]
    parts += ["## Manifest", fenced(json_bytes(record.manifest).decode().rstrip(), "json")]
    files = f"Numbers: [{METRICS_FILE}]({METRICS_FILE})"
    if record.diagnoses:
        files += f"; scores of every image: [{PREDICTIONS}]({PREDICTIONS})"
    return "\n\n".join(part.rstrip() for part in [*parts, files + "."]) + "\n"
