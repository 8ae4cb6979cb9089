"""What the self-supervised methods of an ablation cost, to stand beside what they reach."""

from collections.abc import Mapping

import pandas as pd

from matl.ablation.ablation_record import MethodCost
from matl.ablation.cells import Cell
from matl.ablation.stage_costs import Manifests
from matl.names import CURVES
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.store import Store
from matl.stages.ssl.task import LungSSL


def method_costs(
    plans: Mapping[Cell, Plan], manifests: Manifests, store: Store
) -> list[MethodCost]:
    """One row per arm and kind of self-supervised stage that is finished.

    Regimes whose stages are the same share a row; seeds and folds are averaged.

    Args:
        plans: Of each cell.
        manifests: Of the finished stages.
        store: Holds their curves.
    """
    regimes: dict[tuple[str, str], set[str]] = {}
    stages: dict[str, PlannedStage] = {}
    for cell, plan in plans.items():
        for stage in plan.chain:
            if issubclass(stage.task, LungSSL) and stage.fingerprint in manifests:
                stages[stage.fingerprint] = stage
                regimes.setdefault((cell.arm, stage.fingerprint), set()).add(cell.regime)
    kinds: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for (arm, key), own in regimes.items():
        kinds.setdefault((arm, tuple(sorted(own)), stages[key].name), []).append(key)
    return [
        _cost(arm, list(own), [stages[key] for key in keys], store)
        for (arm, own, _), keys in kinds.items()
    ]


def _cost(arm: str, regimes: list[str], stages: list[PlannedStage], store: Store) -> MethodCost:
    curves = pd.concat([pd.read_csv(store.file(one.fingerprint, CURVES)) for one in stages])
    method = stages[0].task
    assert issubclass(method, LungSSL)
    trained, teacher = method.passes
    seconds = float(curves["seconds"].sum())
    return MethodCost(
        arm=arm,
        regimes=regimes,
        stage=stages[0].name,
        method=stages[0].config.method,  # type: ignore[attr-defined]
        trained=trained,
        teacher=teacher,
        images_a_second=float(curves["images"].sum()) / seconds,
        peak_memory_mb=float(curves["peak_memory_mb"].max()),
        seconds=seconds / len(stages),
        finished=len(stages),
    )
