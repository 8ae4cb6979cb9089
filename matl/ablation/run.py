"""Trains each distinct stage of an ablation once, and writes what its cells say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from matl.ablation.ablation_files import write_record
from matl.ablation.ablation_record import AblationRecord
from matl.ablation.aligned_scores import CellScores, read_cells
from matl.ablation.analysis import Fixed, fix_analysis
from matl.ablation.cells import Cell, cells_of, plan_cells
from matl.ablation.gather import ablation_record
from matl.ablation.page import write_ablation_page
from matl.ablation.page_sides import scored_sides
from matl.ablation.pooled_scores import finished_seeds, mean_curves, pooled_scores
from matl.ablation.progress import Board
from matl.ablation.results import cell_table
from matl.ablation.schema import Ablation
from matl.ablation.stage_costs import whole_stages
from matl.ablation.summary import summary
from matl.ablation.train import (
    Cluster,
    Place,
    Processes,
    Progress,
    at_once,
    distinct_stages,
    in_turn,
)
from matl.checksums import write_files
from matl.errors import MatlError
from matl.files import json_bytes, replace_file
from matl.names import CELLS, CURVES, LOGS, METRICS_FILE, PREDICTIONS, SUMMARY, ablation_folder
from matl.orchestrator.plan import Plan
from matl.orchestrator.resources import available_cores
from matl.orchestrator.show import show_line
from matl.orchestrator.store import Store
from matl.orchestrator.wandb_report import sync_command
from matl.orchestrator.wandb_run import refuse_wrong_key
from matl.preemption import ends_when_preempted
from matl.report.metrics_file import score_metrics
from matl.report.paths import hide_paths
from matl.report.run_files import stacked_csv
from matl.spreadsheet import csv_bytes
from matl.terminal import same_screen


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

    A stage that fails is reported, and those that do not need it are still trained. What a stage
    prints is in a file of its own in the folder `logs`. The comparisons and the page are written at
    the end, also where the command is interrupted.

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
    folder = ablation_folder(plan.experiment.runs, ablation.name)
    folder.mkdir(parents=True, exist_ok=True)
    fixed = fix_analysis(ablation, plans, store, folder)
    if any(key not in store for key in work):
        refuse_wrong_key(plan.experiment.logger)
    progress = Progress(reused=frozenset(key for key in work if key in store))
    logs = folder / LOGS
    if executor is None and jobs == 1:
        changes = in_turn(work, store, logs, progress)
    else:
        place = _place(ablation, plan, store, logs, jobs, executor)
        changes = at_once(work, store, progress, place)
    results = Results(ablation, plans, store, folder, fixed, overrides, command)
    try:
        with same_screen(console) as screen, Board(plans, store, progress, screen, jobs) as board:
            for key in changes:
                board.show(key)
                if work[key].stage.task.diagnoses and key not in progress.running:
                    results.write_cells(progress.failures)
    finally:
        results.write(progress.failures)
    logged = [one.wandb for one in whole_stages(plans, store).values()]
    if upload := sync_command(plan.experiment.runs, logged):
        show_line(f"The record for W&B is on this disk; upload it: {upload}", console)
    return folder, progress.failures


@dataclass(frozen=True)
class Results:
    """Writes what the finished cells say into the ablation's folder.

    Attributes:
        ablation, plans, store: What is compared, and what is finished of it.
        folder: Of the results.
        fixed: What is known of the primary analysis's beginning.
        overrides: The user's, for every cell.
        command: The user's.
    """

    ablation: Ablation
    plans: Mapping[Cell, Plan]
    store: Store
    folder: Path
    fixed: Fixed
    overrides: Sequence[str]
    command: str

    def write_cells(
        self, failures: Mapping[str, str]
    ) -> tuple[CellScores, CellScores, pd.DataFrame]:
        """Writes `cells.csv`.

        Args:
            failures: What went wrong, by fingerprint.
        """
        scores, floors, damaged = read_cells(self.plans, self.store)
        unfinished = {cell: hide_paths(f"damaged: {line}") for cell, line in damaged.items()}
        for cell, plan in self.plans.items():
            if line := failures.get(plan.chain[-1].fingerprint):
                unfinished[cell] = hide_paths(f"failed: {line}")
        table = cell_table(self.ablation, self.plans, scores, floors, unfinished)
        write_files(self.folder, {CELLS: csv_bytes(table)})
        return scores, floors, table

    def write(self, failures: Mapping[str, str]) -> None:
        """Writes the cells, the comparisons that are complete so far, and the page."""
        scores, floors, cells = self.write_cells(failures)
        finished = self.ablation, self.plans, self.store, scores, floors, cells
        record = ablation_record(*finished, self.fixed, self.overrides, self.command)
        self._write_sides(record, scores, floors)
        write_record(record, self.folder)
        replace_file(self.folder / SUMMARY, summary(record).encode())
        write_ablation_page(self.folder)

    def _write_sides(self, record: AblationRecord, scores: CellScores, floors: CellScores) -> None:
        """Writes the scores and the mean training curves of the primary comparison."""
        pooled = pooled_scores(self.ablation, scores, floors)
        manifests = whole_stages(self.plans, self.store)
        seeds = finished_seeds(self.ablation, scores)
        curves = mean_curves(self.ablation, self.plans, manifests, self.store, seeds)
        predictions = stacked_csv(pooled, "model")
        sides = scored_sides(record.primary_tested, pooled)
        numbers = json_bytes(score_metrics(sides, len(seeds), predictions)) if pooled else None
        written = {METRICS_FILE: numbers, CURVES: stacked_csv(curves, "stage")}
        write_files(self.folder, {PREDICTIONS: predictions, **written})


def _place(
    ablation: Ablation, plan: Plan, store: Store, logs: Path, jobs: int, executor: str | None
) -> Place:
    if executor is not None:
        return Cluster(executor, jobs, ablation.cluster, store, logs)
    threads, cores = plan.resources.threads, available_cores()
    if jobs * threads > cores:
        fix = f"set trainer.threads={cores // jobs}" if jobs <= cores else f"use --jobs {cores}"
        raise MatlError(
            f"--jobs {jobs}: at {threads} threads each these are more than {cores} cores; {fix}"
        )
    return Processes(jobs, store, logs)
