"""The report of a run: a folder that a reader needs nothing else beside."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from matl.evaluation.scored import UNITS
from matl.files import json_bytes, replace_file
from matl.names import CURVES_FIGURE, METRICS_FILE, PREDICTIONS, REPORT, ROC_FIGURE
from matl.report.curves import roc_figure, training_figure
from matl.report.diagnosis_tables import calibration_table, confusion_table, split_tables
from matl.report.drawing import png_bytes
from matl.report.markdown import escape, fenced, markdown_table
from matl.report.metrics_file import run_metrics
from matl.report.paths import hide_paths
from matl.report.plain_values import plain_value
from matl.report.run_files import record_files
from matl.report.run_record import RunRecord
from matl.report.stage_tables import stage_table
from matl.report.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(record: RunRecord, folder: Path) -> Path:
    """Writes a run's report.

    The folder then holds `report.md`, `roc.png` (where a model was scored on both classes),
    `curves.png` (where a stage logged a value), `metrics.json` (every number with its interval,
    split, positive class and seeds) and the record itself (see `matl.report.run_files`). Each file
    is replaced whole, `report.md` last. Paths are hidden: see `matl.report.paths`.

    Args:
        record: The run.
        folder: Made where it does not exist; other files in it stay.

    Returns:
        The path of `report.md`.
    """
    record = _portable(record)
    roc, curves = _roc(record), training_figure(record.curves)
    files = record_files(record)
    contents = {
        ROC_FIGURE: png_bytes(roc),
        CURVES_FIGURE: png_bytes(curves),
        **files,
        METRICS_FILE: json_bytes(run_metrics(record, files[PREDICTIONS])),
        REPORT: _markdown(record, roc is not None, curves is not None).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        replace_file(folder / name, content)
    return folder / REPORT


def _portable(record: RunRecord) -> RunRecord:
    return replace(
        record,
        command=hide_paths(record.command),
        stages=[replace(row, **plain_value(asdict(row))) for row in record.stages],
        split_note=hide_paths(record.split_note),
        manifest=plain_value(record.manifest),
        notes=[hide_paths(note) for note in record.notes],
    )


def _roc(record: RunRecord) -> Figure | None:
    scored = record.scored
    for split in scored.splits():
        auroc = {row.model: row.metrics["auroc"] for row in scored.results(split)}
        auroc = {name: one for name, one in auroc.items() if one.value is not None}
        if auroc:
            scores = {name: part for name, part in scored.tables(split).items() if name in auroc}
            title = f"{record.experiment}: {split} split, positive = {scored.positive}"
            return roc_figure(scores, auroc, title)
    return None


def _markdown(record: RunRecord, has_roc: bool, has_curves: bool) -> str:
    parts = [f"# {escape(record.experiment)}", fenced(record.command, "bash")]
    splits = record.scored.splits()
    for split in splits:
        diagnosis, *others = split_tables(record, split)
        parts += [f"## {escape(diagnosis.title)}", *_section(diagnosis)]
        if split == "test" and (calibration := calibration_table(record.scored)):
            others.append(calibration)
        if split == splits[0]:
            others += [confusion_table(record.scored, split, unit) for unit in UNITS]
        for table in others:
            parts += [f"### {escape(table.title)}", *_section(table)]
    if not splits:
        parts += ["## Diagnosis", "No image of a test or val split was scored."]
    if has_roc:
        parts += [f"![ROC curves]({ROC_FIGURE})"]
    parts += ["## Stages", *_section(stage_table(record))]
    if has_curves:
        parts += [f"![Training curves]({CURVES_FIGURE})"]
    if record.notes:
        parts += ["## Notes", "\n".join(f"- {escape(note)}" for note in record.notes)]
    parts += ["## Manifest", fenced(json_bytes(record.manifest).decode().rstrip(), "json")]
    files = f"Numbers: [{METRICS_FILE}]({METRICS_FILE})"
    if record.scored.models:
        files += f"; scores of every image: [{PREDICTIONS}]({PREDICTIONS})"
    return "\n\n".join(part.rstrip() for part in [*parts, files + "."]) + "\n"


def _section(table: Table) -> list[str]:
    return [markdown_table(table), escape(table.caption)]
