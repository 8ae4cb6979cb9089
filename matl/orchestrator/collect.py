"""A run's record, read from the store: training leaves nothing else behind."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from data_modules.audit import overview
from data_modules.samples import SPLITS
from matl.backbones import (
    BackboneConfig,
    account,
    arm_match,
    build_backbone,
    flops,
    parameter_shares,
)
from matl.config.check import size_pair
from matl.evaluation.scored import Scored
from matl.names import CURVES, FLOOR, SCORES
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.stage_samples import same_names, training_splits
from matl.orchestrator.store import Store
from matl.report.rows import CHAIN, FROM_SCRATCH, from_scratch
from matl.report.rows import FLOOR as FLOOR_ROW
from matl.report.run_record import NetworkRow, RunRecord, StageRow

CONTROLS = {"attention": ("convolution",), "convolution": ("attention",), "none": ()}
"""The operators whose networks a run's is to be matched with."""


def run_record(plan: Plan, store: Store, command: str) -> RunRecord:
    """Everything that the tables and the report of a finished run are made from."""
    named = [(stage.name, stage) for stage in plan.chain]
    if plan.scratch is not None:
        named.append((from_scratch(plan.scratch.name), plan.scratch))
    rows = [stage_row(name, stage, plan, store) for name, stage in named]
    curves = {name: pd.read_csv(store.file(stage.fingerprint, CURVES)) for name, stage in named}
    manifests = {name: store.manifest(stage.fingerprint) for name, stage in named}
    last = plan.chain[-1]
    classes = last.samples.classes if last.config.task == "diagnosis" else ("", "")
    return RunRecord(
        experiment=plan.experiment.name,
        command=command,
        stages=rows,
        scored=Scored(_diagnoses(plan, store), classes[1], classes[0]),
        split_note=_split_note(last),
        curves=curves,
        manifest={
            "seed": plan.experiment.seed,
            "diagnoses": _trained_diagnoses(plan),
            "stages": manifests,
        },
        notes=[
            *network_notes(plan),
            *_scratch_notes(plan),
            *data_notes(plan),
            *(f"{name}: {note}" for name in manifests for note in manifests[name]["notes"]),
        ],
        data={stage.name: overview.counts(stage.samples) for stage in plan.chain},
        networks=network_rows(_arms(plan.experiment.backbone), image_sizes(plan.chain)),
    )


def network_notes(plan: Plan) -> list[str]:
    """What the network and its operators hold and cost, so that arms can be matched."""
    settings = plan.experiment.backbone
    backbone = build_backbone(dataclasses.replace(settings, weights=None), plan.experiment.seed)
    shares = parameter_shares(backbone)
    sizes = image_sizes(plan.chain)
    costs = [f"{flops(backbone, size) / 1e9:.3f} at {size[0]} x {size[1]}" for size in sizes]
    operators = f"{shares.operators:,} ({shares.share:.1%}) in operators ({settings.operator})"
    return [
        f"{settings.name}: {shares.total:,} parameters, {operators}",
        f"GFLOPs an image, forward: {', '.join(costs)}",
        *_match_notes(settings, sizes),
        *(f"{stage.name} {account(backbone, stage.config.transfer)}" for stage in plan.chain[1:]),
    ]


def _scratch_notes(plan: Plan) -> list[str]:
    weights = plan.experiment.backbone.weights
    if not weights or FROM_SCRATCH not in _trained_diagnoses(plan):
        return []
    return [f"{FROM_SCRATCH}: begins from {Path(weights).name}, without the stages before it"]


def data_notes(plan: Plan) -> list[str]:
    """What the stages saw that a reader would not expect."""
    samples = {stage.name: stage.samples for stage in plan.chain}
    return [
        *(
            f"{stage.name} is transductive: it saw the val and test images too, without labels"
            for stage in plan.chain
            if training_splits(stage.config) == SPLITS
        ),
        *(same_names(list(samples), samples) if _trained_diagnoses(plan) else []),
    ]


def network_rows(
    arms: Mapping[str, BackboneConfig], sizes: Iterable[tuple[int, int]]
) -> list[NetworkRow]:
    """What the network of each arm holds, and what it costs at image sizes."""
    rows = []
    for arm, settings in arms.items():
        backbone = build_backbone(dataclasses.replace(settings, weights=None), seed=0)
        shares = parameter_shares(backbone)
        costs = {_in_words(size): flops(backbone, size) for size in sizes}
        names = (arm, settings.name, settings.operator)
        rows.append(NetworkRow(*names, shares.total, shares.operators, costs))
    return rows


def image_sizes(stages: Iterable[PlannedStage]) -> list[tuple[int, int]]:
    """Every height and width that the stages train at, the smallest first."""
    return sorted({size_pair(stage.config.size) for stage in stages})


def _arms(settings: BackboneConfig) -> dict[str, BackboneConfig]:
    operators = (settings.operator, *CONTROLS[settings.operator])
    return {name: dataclasses.replace(settings, operator=name) for name in operators}


def _in_words(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _match_notes(settings: BackboneConfig, sizes: list[tuple[int, int]]) -> list[str]:
    if settings.operator == "none":
        return []
    match = arm_match(settings, sizes)
    return [str(match), *match.warnings]


def stage_row(name: str, stage: PlannedStage, plan: Plan, store: Store) -> StageRow:
    """A finished stage as a row of the table."""
    manifest = store.manifest(stage.fingerprint)
    trained_by = manifest["experiment"]
    return StageRow(
        name=name,
        part=stage.config.part,
        task=stage.config.task,
        data=manifest["data"],
        images=sum(manifest["counts"].get(name, 0) for name in training_splits(stage.config)),
        size=_in_words(size_pair(stage.config.size)),
        epochs=manifest["epochs"],
        seconds=manifest["seconds"],
        images_per_second=manifest["images_per_second"],
        peak_memory_mb=manifest["peak_memory_mb"],
        metric=manifest["metric"]["name"],
        value=manifest["metric"]["value"],
        reused=None if trained_by == plan.experiment.name else trained_by,
        fingerprint=stage.fingerprint,
        from_scratch=stage is plan.scratch,
    )


def _trained_diagnoses(plan: Plan) -> dict[str, str]:
    """Fingerprint of each diagnosis by its row of the table."""
    last = plan.chain[-1]
    if last.config.task != "diagnosis":
        return {}
    rows = {CHAIN if last.parent else FROM_SCRATCH: last.fingerprint}
    return rows if plan.scratch is None else rows | {FROM_SCRATCH: plan.scratch.fingerprint}


def _diagnoses(plan: Plan, store: Store) -> dict[str, pd.DataFrame]:
    rows = _trained_diagnoses(plan)
    if not rows:
        return {}
    tables = {row: store.file(fingerprint, SCORES) for row, fingerprint in rows.items()}
    tables[FLOOR_ROW] = store.file(plan.chain[-1].fingerprint, FLOOR)
    return {name: read_scores(file) for name, file in tables.items()}


def _split_note(stage: PlannedStage) -> str:
    data = stage.config.data
    patients = "" if stage.samples.patients_named else "; no patients are named: an image is one"
    if data.union:
        return f"as each data set of the union is split{patients}"
    if data.split == "official":
        return f"official; a data set without one is dealt by patient, as its notes say{patients}"
    over = "all patients" if data.over == "all" else "the patients of the official training split"
    fold = f"fold {data.fold} of {data.folds}, repeat {data.repeat}"
    return f"{fold}, by patient over {over}{patients}"
