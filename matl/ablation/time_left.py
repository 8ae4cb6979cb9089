"""How long the missing stages of an ablation will take."""

import statistics
from collections.abc import Mapping
from typing import Any

from matl.ablation.train import Work
from matl.orchestrator.plan import PlannedStage
from matl.orchestrator.store import Store
from matl.report.words import duration


def time_left(work: Mapping[str, Work], store: Store, jobs: int = 1) -> str:
    """What the missing stages will take, by the finished ones of the same task and size.

    Args:
        work: Stages by fingerprint.
        store: What is finished.
        jobs: How many are trained side by side; that finished ones were as fast is assumed.
    """
    missing = [one.stage for key, one in work.items() if key not in store]
    if not missing:
        return "nothing"
    paces = _paces(store)
    known = [stage for stage in missing if _kind(stage.identity) in paces]
    if not known:
        return "unknown time"
    seconds = sum(paces[_kind(stage.identity)] * _passes(stage) for stage in known)
    seconds /= min(jobs, len(missing))
    more = len(missing) - len(known)
    return f"about {duration(seconds)}" + (f" and {more} stages of unknown time" if more else "")


def _paces(store: Store) -> dict[Any, float]:
    """Seconds per image and epoch of each kind of finished stages."""
    seen: dict[Any, list[float]] = {}
    for manifest in store.whole_manifests():
        images = manifest.counts["train"] * manifest.epochs
        seen.setdefault(_kind(manifest.identity), []).append(manifest.seconds / images)
    return {kind: statistics.median(paces) for kind, paces in seen.items()}


def _kind(identity: Mapping[str, Any]) -> tuple[str, str, str]:
    stage = identity["stage"]
    return stage["task"], str(stage["size"]), identity["backbone"]["name"]


def _passes(stage: PlannedStage) -> int:
    return len(stage.training) * stage.config.epochs
