"""Computes what an ablation has found so far."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import pandas as pd

from matl.ablation.ablation_record import AblationRecord, Tested, clean_name
from matl.ablation.aligned_scores import CellScores
from matl.ablation.analysis import Fixed
from matl.ablation.cell_settings import Cell, CellSettings
from matl.ablation.leak_means import (
    gains_without_leaks,
    leaking_splits,
    leaks,
    means_without_leaks,
)
from matl.ablation.method_costs import method_costs
from matl.ablation.promises import kept_scores, promises
from matl.ablation.results import compare, means, verdict_of
from matl.ablation.schema import Ablation, Split
from matl.ablation.stage_costs import gates, stage_costs, whole_stages
from matl.backbones import arm_match
from matl.orchestrator.collect import image_sizes, network_rows
from matl.orchestrator.plan import Memo, Plan
from matl.orchestrator.store import Store
from matl.report.html.provenance import facts
from matl.report.paths import command_line
from matl.report.plain_values import plain_value
from matl.report.run_record import NetworkRow


def ablation_record(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    store: Store,
    scores: CellScores,
    floors: CellScores,
    cells: pd.DataFrame,
    fixed: Fixed,
    overrides: Sequence[str],
    command: str,
) -> AblationRecord:
    """Computes all that is known of an ablation so far.

    Args:
        ablation: What is compared.
        plans: Of each cell.
        store: What is finished.
        scores: Of the finished cells.
        floors: Of the same cells.
        cells: As in `matl.ablation.results.cell_table`.
        fixed: What is known of the primary analysis's beginning.
        overrides: The user's, for every cell.
        command: The user's.
    """
    analysis, leaking = ablation.analysis, leaking_splits(ablation, plans)
    clean = gains_without_leaks(ablation, scores, leaking)
    found = compare(ablation, scores, fixed.changed, clean)
    primary = next((one for one in found if one.primary), None)
    manifests = whole_stages(plans, store)
    promised, ranks = promises(kept_scores(plans, store), cells, analysis.metric)
    return AblationRecord(
        name=ablation.name,
        command=command,
        notes=[fixed.note, *match_warnings(plans)],
        changed=fixed.changed,
        overrides=plain_value(ablation.overrides),
        arms=plain_value(ablation.arms),
        regimes=plain_value({name: asdict(one) for name, one in ablation.regimes.items()}),
        seeds=list(ablation.seeds),
        comparison=list(analysis.comparison),
        regime=analysis.regime,
        split=analysis.split,
        metric=analysis.metric,
        margin=analysis.margin,
        verdict=None if primary is None else verdict_of(ablation, primary),
        comparisons=found,
        means=[
            *means(ablation, scores, cells),
            *means_without_leaks(ablation, plans, scores, floors, leaking),
        ],
        tested=[
            *(_tested(name, plans, one) for name, one in ablation.splits.items()),
            *(_tested(name, plans, ablation.splits[name], out) for name, out in leaking.items()),
        ],
        networks=_networks(plans),
        gates=gates(plans, manifests, store),
        finished=len(scores),
        costs=stage_costs(plans, manifests),
        methods=method_costs(plans, manifests, store),
        runs=_as_runs(ablation, overrides),
        facts=plain_value(facts(asdict(one) for one in manifests.values())),
        promises=promised,
        ranks=ranks,
    )


def _as_runs(ablation: Ablation, overrides: Sequence[str]) -> dict[str, str]:
    analysis, seed = ablation.analysis, ablation.seeds[0]
    words = ["matl", "run", os.path.normpath(ablation.experiment)]
    cells = [Cell(arm, analysis.regime, analysis.split, seed) for arm in analysis.comparison]
    memo = Memo()
    return {
        cell.arm: command_line([*words, *CellSettings(ablation, overrides, memo).words(cell)])
        for cell in cells
    }


def _of_split(plans: Mapping[Cell, Plan], split: str) -> list[Plan]:
    """The plans of one arm, regime, seed and repeat: together they test each image once."""
    own = [cell for cell in plans if cell.split == split and cell.repeat == 0]
    first = own[0]
    return [
        plans[cell]
        for cell in own
        if (cell.arm, cell.regime, cell.seed, cell.fraction)
        == (first.arm, first.regime, first.seed, first.fraction)
    ]


def _tested(
    name: str,
    plans: Mapping[Cell, Plan],
    split: Split,
    left_out: frozenset[tuple[str, str]] = frozenset(),
) -> Tested:
    """What a split is tested on; without the persons who are `left_out`, where there are any."""
    images, patients, positives = 0, set(), 0
    for plan in _of_split(plans, name):
        samples = plan.chain[-1].samples
        table = samples.table[(samples.table["split"] == "test") & (samples.table["label"] != "")]
        table = table[~leaks(table, left_out)]
        images += len(table)
        patients |= set(zip(table["source"], table["patient"], strict=True))
        positives += int((table["label"] == samples.classes[1]).sum())
    negative, positive = samples.classes
    numbers = images, len(patients), positives
    shown = clean_name(name) if left_out else name
    return Tested(shown, split.folds, split.repeats, *numbers, positive, negative)


def match_warnings(plans: Mapping[Cell, Plan]) -> list[str]:
    """What breaks the match of attention and its control at the arms' image sizes."""
    sizes = image_sizes(stage for plan in plans.values() for stage in plan.chain)
    settings = [plan.experiment.backbone for plan in plans.values()]
    joined = [replace(one, operator="attention") for one in settings if one.operator != "none"]
    distinct = {repr(one): one for one in joined}.values()
    return list(dict.fromkeys(line for one in distinct for line in arm_match(one, sizes).warnings))


def _networks(plans: Mapping[Cell, Plan]) -> list[NetworkRow]:
    arms = {cell.arm: plan.experiment.backbone for cell, plan in plans.items()}
    return network_rows(arms, image_sizes(stage for plan in plans.values() for stage in plan.chain))
