"""Trains each distinct stage of an ablation once, and writes what its cells say."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from rich.console import Console

from matl.ablation.analysis import Fixed, fix_analysis
from matl.ablation.cells import Cell, cells_of, plan_cells
from matl.ablation.page import CELLS, write_ablation_page
from matl.ablation.record import ablation_record, write_record
from matl.ablation.results import cell_table, summary_lines
from matl.ablation.schema import Ablation
from matl.ablation.show import progress_shown, progress_table
from matl.ablation.train import (
    Cluster,
    Place,
    Processes,
    Progress,
    at_once,
    distinct_stages,
    in_turn,
)
from matl.errors import MatlError
from matl.evaluation.metrics import METRICS
from matl.orchestrator.plan import Plan
from matl.orchestrator.resources import available_cores
from matl.orchestrator.store import Store
from matl.orchestrator.wandb_report import sync_command
from matl.orchestrator.wandb_run import refuse_wrong_key
from matl.preemption import ends_when_preempted

SUMMARY = "summary.md"


@ends_when_preempted()
def run_ablation(
    ablation: Ablation,
    overrides: Sequence[str],
    console: Console,
    jobs: int = 1,
    executor: str | None = None,
    command: str = "matl ablate",
) -> tuple[Path, dict[str, str]]:
    """Trains what is missing, and writes the cells' metrics after every diagnosis.

    A stage that fails is reported, and those that do not need it go on. The comparisons are
    written whenever about one seed more is finished.

    Args:
        ablation: what is compared.
        overrides: the user's settings for every cell.
        console: where progress is shown.
        jobs: how many stages are trained side by side, at the threads that the trainer names.
        executor: a cluster that submitit knows; None trains here.
        command: the user's command, for the report.

    Returns:
        The folder of the results, and what went wrong by fingerprint.

    Raises:
        MatlError: the jobs' threads are more than the machine's cores, or the cluster cannot be
            reached.
        Preempted: SIGTERM or SIGUSR1 came; stages that were being trained saved checkpoints.
    """
    plans = plan_cells(ablation, cells_of(ablation), overrides)
    work = distinct_stages(plans)
    plan = next(iter(plans.values()))
    if plan.resources.nodes > 1:
        raise MatlError("trainer.nodes: matl ablate trains a stage on one node; set it to 1")
    store = Store(plan.experiment.store)
    folder = Path(plan.experiment.runs) / f"{ablation.name}-ablation"
    folder.mkdir(parents=True, exist_ok=True)
    fixed = fix_analysis(ablation, plans, store, folder)
    if any(key not in store for key in work):
        refuse_wrong_key(plan.experiment.logger)
    progress = Progress(reused=frozenset(key for key in work if key in store))
    if alone := executor is None and jobs == 1:
        changes = in_turn(work, store, console, progress)
    else:
        place = _place(ablation, plan, store, folder / "logs", jobs, executor)
        changes = at_once(work, store, progress, place)
    write = partial(write_results, ablation, plans, store, folder, fixed, command)
    a_seed = max(len(plans) // len(ablation.seeds), 1)
    diagnoses = 0
    with progress_shown(console, live=not alone) as show:
        for key in changes:
            show(progress_table(work, store, progress, jobs))
            if work[key].stage.config.task == "diagnosis" and key not in progress.running:
                diagnoses += 1
                table = cell_table(ablation, plans, store, progress.failures)
                table.to_csv(folder / CELLS, index=False)
                if diagnoses % a_seed == 0:
                    write(progress.failures)
    write(progress.failures)
    write_ablation_page(folder)
    for key, line in progress.failures.items():
        console.print(f"[red]{work[key].stage.name} failed[/] ({key}): {line}")
    told = [store.manifest(key).get("wandb") for key in work if key in store]
    if upload := sync_command(plan.experiment.runs, told):
        console.print(f"W&B's record lies on this disk; upload it: {upload}", soft_wrap=True)
    return folder, progress.failures


def _place(
    ablation: Ablation, plan: Plan, store: Store, logs: Path, jobs: int, executor: str | None
) -> Place:
    if executor is not None:
        return Cluster(executor, jobs, ablation.cluster, store, logs)
    threads, cores = plan.resources.threads, available_cores()
    if jobs * threads > cores:
        mend = f"set trainer.threads={cores // jobs}" if jobs <= cores else f"use --jobs {cores}"
        raise MatlError(
            f"--jobs {jobs}: at {threads} threads each these are more than {cores} cores; {mend}"
        )
    return Processes(jobs, store, logs)


def write_results(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    store: Store,
    folder: Path,
    fixed: Fixed,
    command: str,
    failures: Mapping[str, str],
) -> None:
    """Writes the cells' metrics and the comparisons that are complete so far."""
    table = cell_table(ablation, plans, store, failures)
    table.to_csv(folder / CELLS, index=False)
    record = ablation_record(ablation, plans, store, fixed, command)
    write_record(record, folder)
    means = _means(table, ablation.analysis.metric)
    lines = [f"# {ablation.name}", "", *record.notes, "", *means, ""]
    lines += summary_lines(ablation, record.comparisons)
    (folder / SUMMARY).write_text("\n".join(lines) + "\n")


def _means(table: pd.DataFrame, metric: str) -> list[str]:
    if metric not in table:
        return ["No cell is finished yet."]
    done = table.dropna(subset=[metric])
    by = ["split", "fraction", "arm", "regime"]
    name = METRICS[metric]
    shown = {metric: name, "accuracy": "Accuracy", f"floor_{metric}": f"Floor, {name}"}
    header = [*by, *shown.values(), "cells"]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for names, own in done.groupby(by, sort=False):
        means = " | ".join(f"{own[name].mean():.3f}" for name in shown)
        lines.append(f"| {' | '.join(map(str, names))} | {means} | {len(own)} |")
    return lines
