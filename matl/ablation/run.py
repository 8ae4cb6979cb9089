"""Trains each distinct stage of an ablation once, and writes what its cells say."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from matl.ablation.cells import Cell, cells_of, plan_cells
from matl.ablation.results import analysis_hash, cell_table, compare, summary_lines
from matl.ablation.schema import Ablation
from matl.evaluation.tables import duration
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.run import ensure_stage
from matl.orchestrator.store import Store

CELLS, SUMMARY, FIXED = "cells.csv", "summary.md", "analysis.json"


@dataclass(frozen=True)
class Work:
    """A distinct stage of the ablation and a plan that it belongs to."""

    stage: PlannedStage
    plan: Plan


def run_ablation(
    ablation: Ablation, overrides: Sequence[str], console: Console
) -> tuple[Path, dict[str, str]]:
    """Trains what is missing, and writes results after every stage.

    A stage that fails is reported, and those that do not need it go on.

    Args:
        ablation: what is compared.
        overrides: the user's settings for every cell.
        console: where progress is shown.

    Returns:
        The folder of the results, and what went wrong by fingerprint.
    """
    plans = plan_cells(ablation, cells_of(ablation), overrides)
    work = distinct_stages(plans)
    experiment = next(iter(plans.values())).experiment
    store = Store(experiment.store)
    folder = Path(experiment.runs) / f"{ablation.name}-ablation"
    folder.mkdir(parents=True, exist_ok=True)
    notes = _fix_analysis(ablation, plans, store, folder)
    failures: dict[str, str] = {}
    for number, one in enumerate(work.values(), 1):
        done = sum(fingerprint in store for fingerprint in work)
        console.print(
            f"stage {number} of {len(work)}; {done} finished, {len(failures)} failed, "
            f"{time_left(work, store)} left"
        )
        _train(one, store, console, failures)
        if one.stage.config.task == "diagnosis":
            write_results(ablation, plans, store, folder, failures, notes)
    return folder, failures


def distinct_stages(plans: Mapping[Cell, Plan]) -> dict[str, Work]:
    """Every stage of every cell once, by fingerprint, parents first."""
    return {stage.fingerprint: Work(stage, plan) for plan in plans.values() for stage in plan.chain}


def write_results(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    store: Store,
    folder: Path,
    failures: Mapping[str, str],
    notes: Sequence[str],
) -> None:
    """Writes the cells' metrics and the comparisons that are complete so far."""
    states = {fingerprint: f"failed: {line}" for fingerprint, line in failures.items()}
    table = cell_table(plans, states, store)
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


def _train(one: Work, store: Store, console: Console, failures: dict[str, str]) -> None:
    stage = one.stage
    if stage.parent in failures:
        failures[stage.fingerprint] = "the stage before it failed"
        return
    try:
        ensure_stage(one.plan, stage, store, console)
    except Exception as error:  # whatever it is, the other stages go on
        line = (str(error) or type(error).__name__).splitlines()[0]
        failures[stage.fingerprint] = line
        console.print(f"[red]{stage.name} failed[/]: {line}")


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
