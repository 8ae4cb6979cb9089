"""What an ablation has found so far, as plain data in its folder, and back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from matl.ablation.analysis import Fixed
from matl.ablation.cells import Cell
from matl.ablation.results import Comparison, Mean, compare, means, verdict_of
from matl.ablation.schema import Ablation
from matl.ablation.sharing import Gates, StageCost, gates, stage_costs
from matl.backbones import arm_match
from matl.errors import MatlError
from matl.evaluation.files import json_bytes, replace_file
from matl.evaluation.html.provenance import facts
from matl.evaluation.metrics import METRICS
from matl.evaluation.record import NetworkRow
from matl.evaluation.report import hide_paths, plain_value
from matl.evaluation.statistics.contrasts import Contrast
from matl.orchestrator.plan import Plan
from matl.orchestrator.record import image_sizes, network_rows
from matl.orchestrator.store import Store

RESULTS = "results.json"


@dataclass(frozen=True)
class Tested:
    """The images that a split is tested on, each once.

    Attributes:
        split: its name in the ablation.
        images, patients, positives: numbers.
        positive, negative: the classes.
    """

    split: str
    images: int
    patients: int
    positives: int
    positive: str
    negative: str


@dataclass(frozen=True)
class AblationRecord:
    """What an ablation has found so far.

    Attributes:
        name: the ablation's.
        command: the exact command that ran it.
        notes: when the primary analysis was fixed, and what breaks the match of the arms.
        changed: whether the primary analysis was changed after it began.
        arms: their overrides.
        chains: stages of each regime in order.
        seeds: those that were planned.
        comparison: the two arms of the primary comparison.
        regime, split, metric, margin: of it.
        verdict: on it; None where it has no seed yet.
        comparisons, means: as in `matl.ablation.results`.
        tested: of each split.
        networks: of each arm.
        gates: at the end of the finished stages.
        costs: of the distinct stages by name.
        facts: machines, versions and commits of the finished stages.
    """

    name: str
    command: str
    notes: list[str]
    changed: bool
    arms: dict[str, list[str]]
    chains: dict[str, list[str]]
    seeds: list[int]
    comparison: list[str]
    regime: str
    split: str
    metric: str
    margin: float
    verdict: str | None
    comparisons: list[Comparison]
    means: list[Mean]
    tested: list[Tested]
    networks: list[NetworkRow]
    gates: list[Gates]
    costs: list[StageCost]
    facts: dict[str, str]

    @property
    def metric_name(self) -> str:
        """The metric as it is shown."""
        return METRICS[self.metric]

    @property
    def primary(self) -> Comparison | None:
        """The comparison that the ablation was made for, once a seed has finished it."""
        return next((one for one in self.comparisons if one.primary), None)


def ablation_record(
    ablation: Ablation,
    plans: Mapping[Cell, Plan],
    store: Store,
    fixed: Fixed,
    command: str,
) -> AblationRecord:
    """Computes all that is known of an ablation from the stages that the store has."""
    found = compare(ablation, plans, store, fixed.changed)
    primary = next((one for one in found if one.primary), None)
    stages = {stage.fingerprint for plan in plans.values() for stage in plan.chain}
    manifests = [store.manifest(one) for one in sorted(stages) if one in store]
    analysis = ablation.analysis
    return AblationRecord(
        name=ablation.name,
        command=hide_paths(command),
        notes=[fixed.note, *match_warnings(plans)],
        changed=fixed.changed,
        arms=plain_value(ablation.arms),
        chains={name: list(regime.chain) for name, regime in ablation.regimes.items()},
        seeds=list(ablation.seeds),
        comparison=list(analysis.comparison),
        regime=analysis.regime,
        split=analysis.split,
        metric=analysis.metric,
        margin=analysis.margin,
        verdict=None if primary is None else verdict_of(ablation, primary),
        comparisons=found,
        means=means(ablation, plans, store),
        tested=[_tested(name, _of_split(plans, name)) for name in ablation.splits],
        networks=_networks(plans),
        gates=gates(plans, store),
        costs=stage_costs(plans, store),
        facts=plain_value(facts(manifests)),
    )


def write_record(record: AblationRecord, folder: Path) -> None:
    """Writes `results.json`."""
    replace_file(folder / RESULTS, json_bytes(plain_value(asdict(record))))


def read_ablation(folder: Path) -> AblationRecord:
    """The record that an ablation wrote into its folder.

    Raises:
        MatlError: it is damaged.
    """
    try:
        values = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    except ValueError as error:
        raise MatlError(
            f"{folder / RESULTS}: is damaged; type the matl ablate again: nothing is trained twice"
        ) from error
    rows = {"tested": Tested, "networks": NetworkRow, "gates": Gates, "costs": StageCost}
    for name, kind in rows.items():
        values[name] = [kind(**row) for row in values[name]]
    values["comparisons"] = [_contrasts(Comparison, row) for row in values["comparisons"]]
    values["means"] = [_contrasts(Mean, row) for row in values["means"]]
    return AblationRecord(**values)


def _contrasts(kind: type, row: dict[str, Any]) -> Any:
    """A `Comparison` or a `Mean` from its JSON form."""
    wanted = {one.name for one in fields(kind) if one.type is Contrast}
    row |= {name: Contrast(**row[name]) for name in wanted}
    if "arms" in row:
        row["arms"] = tuple(row["arms"])
    return kind(**row)


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


def _tested(split: str, plans: Iterable[Plan]) -> Tested:
    images, patients, positives = 0, set(), 0
    for plan in plans:
        samples = plan.chain[-1].samples
        table = samples.table[(samples.table["split"] == "test") & (samples.table["label"] != "")]
        images += len(table)
        patients |= set(zip(table["source"], table["patient"], strict=True))
        positives += int((table["label"] == samples.classes[1]).sum())
    negative, positive = samples.classes
    return Tested(split, images, len(patients), positives, positive, negative)


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
