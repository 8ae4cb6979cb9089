"""What an ablation's distinct stages cost and hold: each is trained once and shared by cells."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import pandas as pd

from matl.ablation.ablation_record import Gates, StageCost
from matl.ablation.cells import Cell
from matl.errors import MatlError
from matl.manifest import StageManifest
from matl.names import CURVES
from matl.orchestrator.plan import Plan
from matl.orchestrator.store import Store
from matl.report.gates import gate_columns, last_value
from matl.report.rows import current_name

Manifests = Mapping[str, StageManifest]


def whole_stages(plans: Mapping[Cell, Plan], store: Store) -> dict[str, StageManifest]:
    """The manifests of the finished stages by fingerprint, without damaged ones."""
    manifests = {}
    for one in sorted({stage.fingerprint for plan in plans.values() for stage in plan.chain}):
        if one in store:
            with suppress(MatlError):
                manifests[one] = store.manifest(one)
    return manifests


def stage_costs(plans: Mapping[Cell, Plan], manifests: Manifests) -> list[StageCost]:
    """One row per stage name, from the manifests of the finished stages."""
    names = {stage.fingerprint: stage.name for plan in plans.values() for stage in plan.chain}
    finished = [plan.chain for plan in plans.values() if plan.chain[-1].fingerprint in manifests]
    uses = Counter(stage.fingerprint for chain in finished for stage in chain)
    seconds = {one: manifest.seconds for one, manifest in manifests.items()}
    rows = []
    for name in dict.fromkeys(names.values()):
        own = [one for one in names if names[one] == name]
        done = [one for one in own if one in seconds]
        rows.append(
            StageCost(
                stage=name,
                distinct=len(own),
                finished=len(done),
                uses=sum(max(uses[one], 1) for one in done),
                seconds=sum(seconds[one] for one in done),
                unshared_seconds=sum(max(uses[one], 1) * seconds[one] for one in done),
            )
        )
    return rows


def gates(plans: Mapping[Cell, Plan], manifests: Manifests, store: Store) -> list[Gates]:
    """What the operators of finished stages ended with, over seeds and splits."""
    places = stage_curves(plans, manifests, store)
    rows = [(at.arm, at.chain, len(own), _ends(list(own.values()))) for at, own in places.items()]
    return [Gates(*row) for row in rows if row[-1]]


class Place(NamedTuple):
    """A place in the chain of an arm.

    Attributes:
        arm: its name.
        chain: the stages up to this one, in words; of a diagnosis its regime too.
        stage: this stage, of a diagnosis with its regime.
    """

    arm: str
    chain: str
    stage: str


def stage_curves(
    plans: Mapping[Cell, Plan], manifests: Manifests, store: Store
) -> dict[Place, dict[str, pd.DataFrame]]:
    """What the finished stages logged, by place, then by fingerprint."""
    places: dict[Place, dict[str, pd.DataFrame]] = {}
    for cell, plan in plans.items():
        for at, stage in enumerate(plan.chain, start=1):
            if stage.fingerprint in manifests:
                path = " → ".join(one.name for one in plan.chain[:at])
                regime = f" ({current_name(cell.regime)})" if at == len(plan.chain) else ""
                key = Place(cell.arm, path + regime, stage.name + regime)
                with suppress(MatlError):
                    curves = pd.read_csv(store.file(stage.fingerprint, CURVES))
                    places.setdefault(key, {})[stage.fingerprint] = curves
    return places


def _ends(curves: list[pd.DataFrame]) -> dict[str, tuple[float, float, float]]:
    ends: dict[str, tuple[float, float, float]] = {}
    for column in gate_columns(curves[0]):
        found = [last_value(table, column) for table in curves]
        values = [value for value in found if value is not None]
        if values:
            ends[column] = (sum(values) / len(values), min(values), max(values))
    return ends
