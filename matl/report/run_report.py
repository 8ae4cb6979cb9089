"""The report of a run: a folder that a reader needs nothing else beside."""

from dataclasses import asdict, replace
from pathlib import Path

from matl.checksums import write_files
from matl.files import json_bytes
from matl.names import FIGURES, METRICS_FILE, PREDICTIONS, REPORT
from matl.report.html.picture import Picture
from matl.report.html.run_pictures import score_pictures, training_pictures
from matl.report.markdown import escape, fenced, markdown_table
from matl.report.metrics_file import run_metrics
from matl.report.paths import hide_paths
from matl.report.plain_values import plain_value
from matl.report.run_files import record_files
from matl.report.run_record import RunRecord
from matl.report.score_tables import tables_of
from matl.report.stage_tables import stage_table, start_table
from matl.report.table import Table
from matl.visible import visible


def write_report(record: RunRecord, folder: Path) -> Path:
    """Writes a run's report.

    The folder then holds `report.md`, `metrics.json` (every number with its interval, split,
    positive class and seeds) and the record itself (see `matl.report.run_files`). Each file is
    replaced whole, `report.md` last; the figures that it shows are the page's (see
    `matl.report.html.run_page`). Paths are hidden: see `matl.report.paths`.

    Args:
        record: The run.
        folder: Made where it does not exist; other files in it stay.

    Returns:
        The path of `report.md`.
    """
    record = _portable(record)
    files = record_files(record)
    contents = {
        **files,
        METRICS_FILE: json_bytes(run_metrics(record, files[PREDICTIONS])),
        REPORT: visible(_markdown(record)).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_files(folder, contents)
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


def _markdown(record: RunRecord) -> str:
    parts = [f"# {escape(record.experiment)}", fenced(record.command, "bash")]
    splits, tables = record.scored.splits(), tables_of(record)
    for split in splits:
        diagnosis, *others = tables.split_tables(record, split)
        parts += [f"## {escape(diagnosis.title)}", *_section(diagnosis)]
        if split == splits[0]:
            others += tables.last_tables(record, split)
        for table in others:
            parts += [f"### {escape(table.title)}", *_section(table)]
    if not splits:
        parts += ["## Diagnosis", "No image of a test or val split was scored."]
    parts += map(_figure, score_pictures(record.scored)[:1])
    parts += ["## Stages", *_section(stage_table(record))]
    if starts := start_table(record):
        parts += [f"## {starts.title}", *_section(starts)]
    parts += map(_figure, training_pictures(record.curves))
    if record.notes:
        parts += ["## Notes", "\n".join(f"- {escape(note)}" for note in record.notes)]
    parts += ["## Manifest", fenced(json_bytes(record.manifest).decode().rstrip(), "json")]
    files = f"Numbers: [{METRICS_FILE}]({METRICS_FILE})"
    if record.scored.models:
        files += f"; scores of every image: [{PREDICTIONS}]({PREDICTIONS})"
    return "\n\n".join(part.rstrip() for part in [*parts, files + "."]) + "\n"


def _figure(picture: Picture) -> str:
    return f"![{escape(picture.alt)}]({FIGURES}/{picture.name}.png)"


def _section(table: Table) -> list[str]:
    return [markdown_table(table), escape(table.caption)]
