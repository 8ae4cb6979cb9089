"""The end of a run in W&B: its tables and figures as a run of their own, or a trial's result."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from shlex import quote

import pandas as pd
from rich.console import Console

from matl.names import BACKBONE, PAGE, WANDB_RUNS
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store
from matl.orchestrator.wandb_logger import in_sweep, last_id, open_run, use_weights, wanted
from matl.orchestrator.wandb_run import SafeRun
from matl.report.run_record import Result, RunRecord

COSTS = ("epoch", "images", "seconds", "peak_memory_mb")
HELD_OUT, CROSS_VALIDATION = "test", "cv"


def log_report(
    plan: Plan, record: RunRecord, store: Store, folder: Path, trained: bool, console: Console
) -> None:
    """Tells W&B how a run ended; nothing where it was told so before and nothing was trained.

    Args:
        plan: what ran.
        record: its record.
        store: where its stages lie.
        folder: the run's folder, with its report.
        trained: whether any stage was trained now.
        console: where failures are told.
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
        config={"positive": record.positive, "seeds": record.seeds, "seed": plan.experiment.seed},
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
        summary |= _metrics(record.results(HELD_OUT)[0], CROSS_VALIDATION)
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
    results = {split: record.results(split) for split in record.splits()}
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

    tables = {"diagnosis": _diagnosis_table(record), "stages": _stage_table(record)}
    pictures, page = _pictures(folder), folder / PAGE
    run.add(
        lambda run: run.log(
            {name: wandb.Table(dataframe=table) for name, table in tables.items() if len(table)}
            | {
                name: [wandb.Image(str(file), caption=file.stem) for file in files]
                for name, files in pictures.items()
            }
            | ({"report": wandb.Html(str(page))} if page.exists() else {})
        )
    )


def _diagnosis_table(record: RunRecord) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": result.model,
            "split": split,
            "metric": metric,
            **asdict(estimate),
            "images": result.images,
            "patients": result.patients,
            "positives": result.positives,
        }
        for split in record.splits()
        for result in record.results(split)
        for metric, estimate in result.metrics.items()
    )


def _stage_table(record: RunRecord) -> pd.DataFrame:
    return pd.DataFrame(asdict(row) for row in record.stages)


def _pictures(folder: Path) -> Mapping[str, list[Path]]:
    """A run folder's PNG files: each of the report's own, and those of a subfolder together."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.rglob("*.png")):
        inside = file.relative_to(folder)
        found.setdefault(inside.parts[0].removesuffix(".png"), []).append(file)
    return found
