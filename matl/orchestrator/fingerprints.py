"""What decides a stage's result, its hash, and how two stages differ in it."""

import functools
import hashlib
import json
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data_modules import cache
from matl import backbones, view_settings
from matl.backbones.maps import library
from matl.backbones.wheels import IMAGENET, wheel_file
from matl.config import Experiment
from matl.errors import MatlError
from matl.files import file_digest, refuse_irregular
from matl.orchestrator.resources import Resources
from matl.orchestrator.scoring import SCORING_VERSION
from matl.orchestrator.store import Store
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig
from matl.stages.task import PROCESSES_VERSION, ROWS_VERSION

Identity = dict[str, Any]


def stage_identity(
    experiment: Experiment,
    config: StageConfig,
    resources: Resources,
    data_digest: str,
    parent: str | None,
) -> Identity:
    """All that can change a stage's result, as plain values."""
    return {
        "stage": _identity_settings(config, parent),
        "data": data_digest,
        "backbone": _backbone_identity(experiment),
        "seed": experiment.seed,
        "trainer": plain_settings(resources),
        "versions": _versions(experiment, config, resources),
        "parent": parent,
    }


def fingerprint(identity: Identity) -> str:
    """Hash of an identity, 16 hexadecimal digits."""
    text = json.dumps(identity, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def reason(identity: Identity, store: Store) -> str:
    """Why a stage is not in the store: how it differs from the most similar finished stage."""
    task = identity["stage"]["task"]
    identities = [manifest.identity for manifest in store.whole_manifests()]
    finished = [one for one in identities if one["stage"]["task"] == task]
    if not finished:
        return f"no {task} stage has been trained yet"
    fewest = min((_differences(identity, other) for other in finished), key=len)
    longer = len(fewest) == 1 and fewest[0].startswith("stage.epochs ")
    begins = "; it is trained from its beginning, for the schedule is another" if longer else ""
    return f"nearest finished stage differs in {_shown(fewest)}{begins}"


def difference(identity: Identity, other: Identity) -> str:
    """How an identity differs from another, as `key (other's value -> value)`; empty if not."""
    return _shown(_differences(identity, other))


def _shown(differences: list[str]) -> str:
    more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
    return ", ".join(differences[:3]) + more


def _differences(identity: Identity, other_identity: Identity) -> list[str]:
    here, other = _flat(identity), _flat(other_identity)
    short = {"data", "parent"}
    keys = sorted(key for key in here.keys() | other.keys() if here.get(key) != other.get(key))
    return [key if key in short else f"{key} ({other.get(key)} -> {here.get(key)})" for key in keys]


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    flat: dict[str, Any] = {}
    for key, value in node.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else key)
    return flat


def _identity_settings(config: StageConfig, parent: str | None) -> dict[str, Any]:
    """The settings that can change a result; the data's place is replaced by its digest."""
    settings = plain_settings(config)
    del settings["data"]
    if parent is None:
        del settings["transfer"]
    return settings


def _backbone_identity(experiment: Experiment) -> dict[str, Any]:
    backbone = experiment.backbone
    settings = plain_settings(backbone)
    if backbone.weights == IMAGENET:
        settings["weights"] = _file_digest(wheel_file(backbone.name))
    elif backbone.weights not in (None, "timm"):
        settings["weights"] = _file_digest(Path(str(backbone.weights)))
    return settings


def _file_digest(path: Path) -> str:
    try:
        refuse_irregular(path)
        return file_digest(path)
    except OSError as error:
        raise MatlError(f"backbone.weights: {path} cannot be read: {error.strerror}") from error


def _versions(experiment: Experiment, config: StageConfig, resources: Resources) -> dict[str, Any]:
    task = task_of(config)
    versions: dict[str, Any] = {
        **task.versions(config),
        "rows": ROWS_VERSION,
        "backbone": backbones.VERSION,
        "views": view_settings.VERSION,
        "pixels": cache.VERSION,
        "torch": _minor("torch"),
        "timm": _minor("timm"),
    }
    if library(experiment.backbone.name) == "monai":
        versions["monai"] = _minor("monai")
    if task.diagnoses:
        versions["scoring"] = SCORING_VERSION
    if resources.processes > 1:
        versions["processes"] = PROCESSES_VERSION
    return versions


@functools.cache
def _minor(library: str) -> str:
    """Of the installed version; looked up once, as an ablation's plan asks a thousand times."""
    return ".".join(version(library).split(".")[:2])


def plain_settings(section: Any) -> Any:
    """Settings as plain values, without those that cannot change a result."""
    if is_dataclass(section):
        return {
            item.name: plain_settings(getattr(section, item.name))
            for item in fields(section)
            if _counts(item, getattr(section, item.name))
        }
    return list(section) if isinstance(section, list | tuple) else section


def _counts(item: Field[Any], value: Any) -> bool:
    """Whether a setting is part of the identity; one added later is where it was set."""
    identity = item.metadata.get("identity", True)
    if identity != "where set":
        return bool(identity)
    factory = item.default_factory
    return bool(value != (item.default if factory is MISSING else factory()))
