"""A run's record, read from the store: training leaves nothing else behind."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from data_modules.audit import overview
from matl.backbones import BackboneConfig, account, arm_match, network_cost
from matl.evaluation.multi_class import MultiClassScored
from matl.evaluation.scored import Scored
from matl.manifest import StageManifest
from matl.names import CURVES, SCORES
from matl.orchestrator.classes import class_note, scored_of, tells_classes_apart
from matl.orchestrator.collect_starts import start_rows
from matl.orchestrator.enlarged import enlarged_notes
from matl.orchestrator.floors import floor_of
from matl.orchestrator.leaks import leaking_persons, near_notes, same_names
from matl.orchestrator.plan import Member, Plan, PlannedStage
from matl.orchestrator.scoring import averaged, read_scores
from matl.orchestrator.stage_card import weights_notes
from matl.orchestrator.stage_images import open_images
from matl.orchestrator.store import Store
from matl.report.rows import CHAIN, FROM_SCRATCH, ensemble, from_scratch
from matl.report.rows import FLOOR as FLOOR_ROW
from matl.report.run_record import NetworkRow, RunRecord, StageRow
from matl.stages.settings import size_pair
from matl.stages.task import Task

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
    return RunRecord(
        experiment=plan.experiment.name,
        command=command,
        stages=rows,
        scored=_scored(plan, store),
        split_note=_split_note(last),
        curves=curves,
        manifest={
            "seed": plan.experiment.seed,
            "diagnoses": _trained_diagnoses(plan.members[0]),
            "ensembles": _ensembles(plan),
            "stages": {name: asdict(manifest) for name, manifest in manifests.items()},
        },
        notes=[
            *network_notes(plan),
            *_scratch_notes(plan),
            *_ensemble_notes(plan),
            *data_notes(plan),
            *_thread_notes(plan, manifests),
            *(f"{name}: {note}" for name, one in manifests.items() for note in one.notes),
        ],
        data={stage.name: overview.counts(stage.samples) for stage in plan.chain},
        networks=network_rows(_arms(plan.experiment.backbone), image_sizes(plan.chain)),
        starts=start_rows(plan, store),
    )


def network_notes(plan: Plan) -> list[str]:
    """What the network begins from, and what it and its operators hold and cost."""
    settings = plan.experiment.backbone
    sizes = image_sizes(plan.chain)
    cost = network_cost(settings, sizes)
    shares = cost.parameters
    costs = [f"{cost.flops[size] / 1e9:.3f} at {_in_words(size)}" for size in sizes]
    operators = f"{shares.operators:,} ({shares.share:.1%}) in operators ({settings.operator})"
    return [
        *weights_notes(plan),
        f"{settings.name}: {shares.total:,} parameters, {operators}",
        f"GFLOPs an image, forward: {', '.join(costs)}",
        *_match_notes(settings, sizes),
        *(f"{stage.name} {account(settings, stage.config.transfer)}" for stage in plan.chain[1:]),
    ]


def _scratch_notes(plan: Plan) -> list[str]:
    if FROM_SCRATCH not in _trained_diagnoses(plan.members[0]):
        return []
    if weights := plan.experiment.backbone.weights:
        return [f"{FROM_SCRATCH}: begins from {Path(weights).name}, without the stages before it"]
    last = plan.chain[-1]
    if last.config.layer_decay == 1.0 and last.config.freeze == "none":
        return []
    return [
        f"{FROM_SCRATCH}: has drawn weights and the chain's settings, which are those of trained "
        f"ones; its own best may be higher: chain=[{last.name}] stages.{last.name}.recipe=scratch"
    ]


def data_notes(plan: Plan) -> list[str]:
    """What the stages saw that a reader would not expect."""
    samples = {stage.name: stage.samples for stage in plan.chain}
    last = plan.chain[-1]
    multi_class = tells_classes_apart(last.task, last.samples)
    return [
        *([class_note(last.name, last.samples)] if multi_class else []),
        *(
            f"{stage.name} is transductive: it saw the val and test images too, without labels"
            for stage in plan.chain
            if stage.task.transductive(stage.config)
        ),
        *enlarged_notes(plan.chain),
        *(same_names(list(samples), samples) if last.task.diagnoses else []),
        *near_notes(plan.alike),
    ]


def sample_notes(plan: Plan) -> list[str]:
    """What the data sets say of the stages' images, each once."""
    named = (f"{stage.name}: {note}" for stage in plan.chain for note in stage.samples.notes)
    return list(dict.fromkeys(named))


def _thread_notes(plan: Plan, manifests: Mapping[str, StageManifest]) -> list[str]:
    """Which stages were trained with other threads, that a result depends on in its last digits."""
    now = plan.resources.threads
    trained = {name: one.trainer["threads"] for name, one in manifests.items()}
    return [
        f"{name} was trained with {threads} thread{'s' if threads > 1 else ''}; {now} are set now, "
        "which can change the last digits of a result"
        for name, threads in trained.items()
        if threads != now
    ]


def network_rows(
    arms: Mapping[str, BackboneConfig], sizes: Iterable[tuple[int, int]]
) -> list[NetworkRow]:
    """What the network of each arm holds, and what it costs at image sizes."""
    rows = []
    for arm, settings in arms.items():
        cost = network_cost(settings, sizes)
        shares = cost.parameters
        costs = {_in_words(size): number for size, number in cost.flops.items()}
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
    trained_by = manifest.experiment
    splits = stage.task.training_splits(stage.config)
    curves = pd.read_csv(store.file(stage.fingerprint, CURVES))
    return StageRow(
        name=name,
        part=stage.config.part,
        task=stage.config.task,
        data=manifest.data,
        images=sum(manifest.counts.get(split, 0) for split in splits),
        size=_in_words(size_pair(stage.config.size)),
        epochs=manifest.epochs,
        seconds=manifest.seconds,
        images_per_second=manifest.images_per_second,
        peak_memory_mb=manifest.peak_memory_mb,
        metric=manifest.metric["name"],
        value=manifest.metric["value"],
        reused=None if trained_by == plan.experiment.name else trained_by,
        fingerprint=stage.fingerprint,
        from_scratch=stage is plan.scratch,
        references=reference_words(stage.task, curves),
        findings=[one.text for one in stage.task.findings(curves, stage.config)],
    )


def reference_words(task: type[Task], curves: pd.DataFrame) -> str:
    """Logged values at a stage's end beside what its task says they are to be read with.

    Args:
        task: The stage's.
        curves: What it logged; where an earlier version did not log a reference, it is left out.
    """
    last = curves.iloc[-1]
    said = []
    for name, references in task.references.items():
        known = {what: last.get(one, one) for what, one in references.items()}
        listed = [f"{what} {one:.3f}" for what, one in known.items() if not isinstance(one, str)]
        if name in last:
            said.append(f"{name} {last[name]:.3f} ({', '.join(listed)})")
    return "; ".join(said)


def _trained_diagnoses(member: Member) -> dict[str, str]:
    """Fingerprint of each diagnosis of a seed by its row of the table."""
    last, scratch = member.chain[-1], member.scratch
    if not last.task.diagnoses:
        return {}
    rows = {CHAIN if last.parent else FROM_SCRATCH: last.fingerprint}
    return rows if scratch is None else rows | {FROM_SCRATCH: scratch.fingerprint}


def _ensembles(plan: Plan) -> dict[str, list[str]]:
    """Fingerprints of the diagnoses whose scores are averaged, by the row of their mean."""
    members = [_trained_diagnoses(member) for member in plan.members]
    if len(members) == 1:
        return {}
    return {ensemble(row, len(members)): [one[row] for one in members] for row in members[0]}


def _ensemble_notes(plan: Plan) -> list[str]:
    seeds = ", ".join(str(member.chain[-1].seed) for member in plan.members)
    return [f"{row}: the mean of the scores of the seeds {seeds}" for row in _ensembles(plan)]


def _scored(plan: Plan, store: Store) -> Scored | MultiClassScored:
    rows, last = _trained_diagnoses(plan.members[0]), plan.chain[-1]
    if not rows:
        return Scored({}, "", "")
    tables = {row: _stored_scores(store, one) for row, one in rows.items()}
    for row, fingerprints in _ensembles(plan).items():
        tables[row] = averaged([_stored_scores(store, one) for one in fingerprints])
    floor = floor_of(last, store, lambda: open_images(plan.experiment, last)).scores
    models = tables | {FLOOR_ROW: floor}
    leaking = leaking_persons(last.samples, plan.alike[plan.alike["stage"] == last.name])
    order, join = last.task.class_order(last.config), last.task.joining(last.config)
    return scored_of(models, last.samples, order, leaking, join)


def _stored_scores(store: Store, fingerprint: str) -> pd.DataFrame:
    return read_scores(store.file(fingerprint, SCORES))


def _split_note(stage: PlannedStage) -> str:
    data = stage.config.data
    patients = "" if stage.samples.patients_named else "; no patients are named: an image is one"
    if data.union:
        return f"as each data set of the union is split{patients}"
    if data.split == "clean":
        return f"clean: by person, publication and copies, as matl ships it{patients}"
    if data.split == "official":
        return f"official; a data set without one is dealt by patient, as its notes say{patients}"
    over = "all patients" if data.over == "all" else "the patients of the official training split"
    fold = f"fold {data.fold} of {data.folds}, repeat {data.repeat}"
    return f"{fold}, by patient over {over}{patients}"
