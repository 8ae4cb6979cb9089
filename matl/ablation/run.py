"""Trains each distinct stage of an ablation once, and writes what its cells say."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from matl.ablation.cells import Cell, cells_of, plan_cells
from matl.ablation.results import analysis_hash, cell_table, compare, summary_lines
from matl.ablation.schema import Ablation
from matl.ablation.train import Work, in_turn, side_by_side
from matl.errors import MatlError
from matl.evaluation.tables import duration
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.resources import available_cores
from matl.orchestrator.store import Store

CELLS, SUMMARY, FIXED = "cells.csv", "summary.md", "analysis.json"


def run_ablation(
    ablation: Ablation, overrides: Sequence[str], console: Console, jobs: int = 1
) -> tuple[Path, dict[str, str]]:
    """Trains what is missing, and writes the cells' metrics after every diagnosis.

    A stage that fails is reported, and those that do not need it go on. The comparisons are
    written whenever about one seed more is finished.

    Args:
        ablation: what is compared.
        overrides: the user's settings for every cell.
        console: where progress is shown.
        jobs: how many stages are trained side by side, at the threads that the trainer names.

    Returns:
        The folder of the results, and what went wrong by fingerprint.

    Raises:
        MatlError: the jobs' threads are more than the machine's cores.
    """
    plans = plan_cells(ablation, cells_of(ablation), overrides)
    work = distinct_stages(plans)
    experiment = next(iter(plans.values())).experiment
    store = Store(experiment.store)
    folder = Path(experiment.runs) / f"{ablation.name}-ablation"
    folder.mkdir(parents=True, exist_ok=True)
    notes = _fix_analysis(ablation, plans, store, folder)
    failures: dict[str, str] = {}
    if jobs == 1:
        trained = in_turn(work, store, console, failures)
    else:
        _check_cores(jobs, next(iter(plans.values())))
        trained = side_by_side(work, store, console, failures, jobs, folder / "logs")
    a_seed = max(len(plans) // len(ablation.seeds), 1)
    diagnoses = 0
    for one in trained:
        console.print(_progress(work, store, failures))
        if one.stage.config.task == "diagnosis":
            diagnoses += 1
            cell_table(plans, failures, store).to_csv(folder / CELLS, index=False)
            if diagnoses % a_seed == 0:
                write_summary(ablation, plans, store, folder, failures, notes)
    write_summary(ablation, plans, store, folder, failures, notes)
    return folder, failures


def _check_cores(jobs: int, plan: Plan) -> None:
    threads, cores = plan.resources.threads, available_cores()
    if jobs * threads > cores:
        raise MatlError(
            f"--jobs {jobs}: at {threads} threads each these are more than {cores} cores; "
            f"set trainer.threads={max(cores // jobs, 1)}"
        )


def _progress(work: Mapping[str, Work], store: Store, failures: Mapping[str, str]) -> str:
    done = sum(key in store for key in work)
    failed = f", {len(failures)} failed" if failures else ""
    return f"{done} of {len(work)} stages finished{failed}; time left: {time_left(work, store)}"


def distinct_stages(plans: Mapping[Cell, Plan]) -> dict[str, Work]:
    """Every stage of every cell once, by fingerprint, parents first."""
    return {stage.fingerprint: Work(stage, plan) for plan in plans.values() for stage in plan.chain}


def write_summary(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    store: Store,
    folder: Path,
    failures: Mapping[str, str],
    notes: Sequence[str],
) -> None:
    """Writes the cells' metrics and the comparisons that are complete so far."""
    table = cell_table(plans, failures, store)
    table.to_csv(folder / CELLS, index=False)
    lines = [f"# {ablation.name}", "", *notes, "", *_means(table), ""]
    lines += summary_lines(ablation, compare(ablation, plans, store))
    (folder / SUMMARY).write_text("\n".join(lines) + "\n")


def dry_run_table(plans: Mapping[Cell, Plan], store: Store) -> Table:
    """What would be trained: a row a stage name, with the time where finished ones tell it."""
    work = distinct_stages(plans)
    table = Table("Stage", "Distinct", "In the store", "Cells that need it", "Time left")
    for name in dict.fromkeys(one.stage.name for one in work.values()):
        own = {key: one for key, one in work.items() if one.stage.name == name}
        needed = sum(any(stage.name == name for stage in plan.chain) for plan in plans.values())
        done = sum(key in store for key in own)
        table.add_row(name, str(len(own)), str(done), str(needed), time_left(own, store))
    stages = sum(len(plan.chain) for plan in plans.values())
    table.caption = (
        f"{len(plans)} cells of {stages} stages; {len(work)} distinct ones are trained, so sharing"
        f" saves {stages - len(work)}. Time left: {time_left(work, store)}"
    )
    return table


def time_left(work: Mapping[str, Work], store: Store) -> str:
    """What the missing stages will take, by the finished ones of the same task and size."""
    missing = [one.stage for key, one in work.items() if key not in store]
    if not missing:
        return "nothing"
    paces = _paces(store)
    known = [stage for stage in missing if _kind(stage.identity) in paces]
    if not known:
        return "unknown time"
    seconds = sum(paces[_kind(stage.identity)] * _passes(stage) for stage in known)
    more = len(missing) - len(known)
    return f"about {duration(seconds)}" + (f" and {more} stages of unknown time" if more else "")


def _fix_analysis(
    ablation: Ablation, plans: Mapping[Cell, Plan], store: Store, folder: Path
) -> list[str]:
    """Keeps what was to be analysed when the first stage began, and notes what changed since."""
    file = folder / FIXED
    finished = sum(plan.chain[-1].fingerprint in store for plan in plans.values())
    now = {
        "hash": analysis_hash(ablation, plans),
        "finished_before": finished,
        "ablation": asdict(ablation),
    }
    if not file.exists():
        file.write_text(json.dumps(now, indent=2) + "\n")
    fixed = json.loads(file.read_text())
    before = f"{fixed['finished_before'] or 'none'} of {len(plans)} cells"
    lines = [f"Analysis {now['hash']}, fixed in {FIXED} when {before} was finished."]
    if fixed["hash"] != now["hash"]:
        lines = [
            f"The ablation was CHANGED after it began ({fixed['hash']} -> {now['hash']}): "
            "every comparison here is exploratory."
        ]
    return lines


def _means(table: pd.DataFrame) -> list[str]:
    if "auroc" not in table:
        return ["No cell is finished yet."]
    done = table.dropna(subset=["auroc"])
    by = ["split", "fraction", "arm", "regime"]
    lines = [f"| {' | '.join(by)} | AUROC | accuracy | floor | cells |", "|" + "---|" * 8]
    for names, own in done.groupby(by, sort=False):
        means = " | ".join(
            f"{own[name].mean():.3f}" for name in ("auroc", "accuracy", "floor_auroc")
        )
        lines.append(f"| {' | '.join(map(str, names))} | {means} | {len(own)} |")
    return lines


def _paces(store: Store) -> dict[Any, float]:
    """Seconds an image and epoch of each kind of finished stages."""
    seen: dict[Any, list[float]] = {}
    for entry in store:
        manifest = store.manifest(entry)
        images = manifest["counts"]["train"] * manifest["epochs"]
        seen.setdefault(_kind(manifest["identity"]), []).append(manifest["seconds"] / images)
    return {kind: statistics.median(paces) for kind, paces in seen.items()}


def _kind(identity: Mapping[str, Any]) -> tuple[str, str, str]:
    stage = identity["stage"]
    return stage["task"], str(stage["size"]), identity["backbone"]["name"]


def _passes(stage: PlannedStage) -> int:
    return int((stage.samples.table["split"] == "train").sum()) * stage.config.epochs
