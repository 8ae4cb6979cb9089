"""The end of a run in W&B: its tables and figures as a run of their own, or a trial's result."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import pandas as pd
from rich.console import Console

from matl.evaluation.scored import Result
from matl.names import BACKBONE, PAGE, WANDB_RUNS
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store
from matl.orchestrator.wandb_logger import in_sweep, last_id, open_run, use_weights, wanted
from matl.orchestrator.wandb_run import SafeRun
from matl.report.run_record import RunRecord
from matl.report.score_tables import tables_of
from matl.report.stage_tables import stage_table, start_table
from matl.report.table import Table

COSTS = ("epoch", "images", "seconds", "peak_memory_mb")
HELD_OUT, CROSS_VALIDATION = "test", "cv"


def log_report(
    plan: Plan, record: RunRecord, store: Store, folder: Path, trained: bool, console: Console
) -> None:
    """Logs to W&B how a run ended; nothing where that was logged before and nothing was trained.

    Args:
        plan: what ran.
        record: its record.
        store: where its stages lie.
        folder: the run's folder, with its report.
        trained: whether any stage was trained now.
        console: where failures are shown.
    """
    trial = in_sweep()
    known = last_id(folder) is not None and not trained
    if not wanted(plan.experiment.logger) or (known and not trial):
        return
    run = open_run(
        plan.experiment,
        console,
        folder=folder,
        group=folder.name,
        name=folder.name,
        job_type="report",
        config={
            **record.scored.about(),
            "seeds": record.seeds,
            "seed": plan.experiment.seed,
        },
    )
    summary = trial_summary(plan, record) if trial else _run_summary(record)
    run.add(lambda run: run.summary.update(summary))
    if not trial:
        _log_contents(run, record, folder)
        last = plan.chain[-1].fingerprint
        use_weights(run, last, store.file(last, BACKBONE).parent)
    run.finish()


def trial_summary(plan: Plan, record: RunRecord) -> dict[str, float]:
    """What a sweep may choose by: the last value of every curve, and training cross-validation.

    Reused stages are part of it. The test split is not, but where it is a fold of the official
    training patients: then it is named `cv/<metric>`.
    """
    summary = {
        f"{stage.name}/{name}": float(value)
        for stage in plan.chain
        for name, value in record.curves[stage.name].iloc[-1].items()
        if name not in COSTS and pd.notna(value)
    }
    data = plan.chain[-1].config.data
    if data.split == "kfold" and data.over == "train":
        summary |= _metrics(record.scored.results(HELD_OUT)[0], CROSS_VALIDATION)
    return summary


def upload_command(runs: str, record: RunRecord, folder: Path) -> str | None:
    """The command that uploads what a run has kept offline; None where it has nothing."""
    stages = record.manifest["stages"].values()
    return sync_command(runs, [*(stage.get("wandb") for stage in stages), last_id(folder)])


def sync_command(runs: str, identifiers: Iterable[str | None]) -> str | None:
    """The command that uploads what of some runs was kept offline; None where nothing was."""
    folder = Path(runs) / WANDB_RUNS
    kept = [
        name
        for name in dict.fromkeys(identifiers)
        if name and any(not _is_synced(run) for run in folder.glob(f"offline-run-*-{name}"))
    ]
    if not kept:
        return None
    ending = kept[0] if len(kept) == 1 else "{" + ",".join(kept) + "}"
    return f"wandb sync {quote(str(folder))}/offline-run-*-{ending}"


def _is_synced(run: Path) -> bool:
    return any(run.glob("*.wandb.synced"))


def _run_summary(record: RunRecord) -> dict[str, float]:
    results = {split: record.scored.results(split) for split in record.scored.splits()}
    return {
        name: value
        for split, rows in results.items()
        for name, value in _metrics(rows[0], split).items()
    }


def _metrics(result: Result, split: str) -> dict[str, float]:
    return {
        f"{split}/{name}": estimate.value
        for name, estimate in result.metrics.items()
        if estimate.value is not None
    }


def _log_contents(run: SafeRun, record: RunRecord, folder: Path) -> None:
    import wandb

    tables = {"stages": stage_table(record)}
    if starts := start_table(record):
        tables["transferability"] = starts
    for at, split in enumerate(record.scored.splits()):
        tables[f"diagnosis_{split}" if at else "diagnosis"] = tables_of(record).diagnosis_table(
            record, split
        )
    pictures, page = _pictures(folder), folder / PAGE
    run.add(
        lambda run: run.log(
            {name: wandb.Table(dataframe=_frame(table)) for name, table in tables.items()}
            | {
                name: [wandb.Image(str(file), caption=file.stem) for file in files]
                for name, files in pictures.items()
            }
            | ({"report": wandb.Html(str(page))} if page.exists() else {})
        )
    )


def _frame(table: Table) -> pd.DataFrame:
    """A table as W&B sorts it: numbers as numbers, what is noted beside them in a column after."""
    columns: dict[str, list[Any]] = {}
    for at, column in enumerate(table.columns):
        cells = [row[at] for row in table.rows]
        columns[column.title] = [one.order if column.numeric else one.text for one in cells]
        if any(one.note for one in cells):
            columns[f"{column.title}, interval"] = [one.note for one in cells]
    return pd.DataFrame(columns)


def _pictures(folder: Path) -> Mapping[str, list[Path]]:
    """PNG files of a run's folder, those of a subfolder together."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*.png")):
        inside = file.relative_to(folder)
        found.setdefault(inside.parts[0].removesuffix(".png"), []).append(file)
    return found
