"""What the backbones of a run's stages promise to its diagnosis, and what they gained."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

import pandas as pd

from matl.errors import MatlError
from matl.evaluation.statistics.clustered import Difference
from matl.names import SCORES
from matl.orchestrator.classes import scored_of
from matl.orchestrator.fingerprints import fingerprint
from matl.orchestrator.plan import Plan, PlannedStage
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.stage_images import open_images
from matl.orchestrator.starts import Start, start_scores
from matl.orchestrator.store import Store
from matl.report.rows import FROM_SCRATCH
from matl.report.run_record import StartRow


def start_rows(plan: Plan, store: Store) -> list[StartRow]:
    """A row for no stage and for each before the diagnosis; none where there is no such stage.

    A gain stands where the store has the diagnosis that began from it, whatever run trained that.
    """
    *before, last = plan.chain
    if not before or not last.task.diagnoses:
        return []
    transfer = last.config.transfer
    starts = {FROM_SCRATCH: Start(None)}
    starts |= {stage.name: Start(stage.fingerprint, transfer) for stage in before}
    tables = {name: _scores(start, last, store) for name, start in starts.items()}
    images = cache(partial(open_images, plan.experiment, last))
    rows = []
    for name, start in starts.items():
        scores = start_scores(start, last, plan.experiment, store, images)
        if scores is not None:
            gain = _gain(name, tables, last)
            rows.append(StartRow(name, **vars(scores), **gain))
    return rows


def begun_from(start: Start, diagnosis: PlannedStage) -> str:
    """The fingerprint of a diagnosis of a chain, were it to begin from another backbone."""
    settings = dict(diagnosis.identity["stage"]) | {"transfer": start.transfer}
    if start.parent is None:
        del settings["transfer"]
    return fingerprint(diagnosis.identity | {"stage": settings, "parent": start.parent})


def _scores(start: Start, diagnosis: PlannedStage, store: Store) -> pd.DataFrame | None:
    one = begun_from(start, diagnosis)
    if one in store:
        with suppress(MatlError):  # another run's, which is damaged
            return read_scores(store.file(one, SCORES))
    return None


def _gain(
    name: str, tables: Mapping[str, pd.DataFrame | None], diagnosis: PlannedStage
) -> dict[str, Any]:
    """What a row says of the gain over training from scratch, where the store has both."""
    own, scratch = tables[name], tables[FROM_SCRATCH]
    if name == FROM_SCRATCH or own is None or scratch is None:
        return {}
    ordered = diagnosis.task.class_order(diagnosis.config)
    scored = scored_of({name: own, FROM_SCRATCH: scratch}, diagnosis.samples, ordered)
    split = scored.splits()[0]
    [pair] = scored.paired(split)
    metric = "accuracy" if pair.auroc is None else "auroc"
    found: Difference = pair.auroc or pair.accuracy
    low, high = found.bounds or (None, None)
    about = {"metric": scored.titles[metric], "split": split}
    return {**about, "gain": found.value, "low": low, "high": high}
