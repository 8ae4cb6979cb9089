"""The plan: which stages a chain needs, by fingerprint, and what the store already has."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import timm
import torch

from data_modules import cache
from data_modules.audit import shared_patients
from data_modules.digest import digest, file_hashes
from data_modules.registry import load
from data_modules.samples import Samples
from matl import backbones, lungs, views
from matl.config.schema import Experiment, LungSSLConfig, SourceConfig, StageConfig
from matl.errors import MatlError
from matl.orchestrator.resources import Resources, resolve
from matl.orchestrator.store import Store, file_digest
from matl.stages import TASKS

Identity = dict[str, Any]
LEAST_SCANS = 4
"""Self-supervision keeps a quarter of its images as negatives."""


@dataclass(frozen=True)
class PlannedStage:
    """One stage with all that decides its result.

    Attributes:
        name: the stage's name in the experiment.
        config: its settings.
        samples: its images.
        identity: what the fingerprint hashes.
        fingerprint: 16 hexadecimal digits.
        parent: fingerprint of the stage whose backbone this one begins from.
    """

    name: str
    config: StageConfig
    samples: Samples
    identity: Identity
    fingerprint: str
    parent: str | None


@dataclass(frozen=True)
class Plan:
    """What an experiment runs.

    Attributes:
        experiment: the experiment.
        resources: its trainer section with `auto` resolved.
        chain: the stages in order.
        scratch: the diagnosis without the stages before it, where `baselines` asks for it.
    """

    experiment: Experiment
    resources: Resources
    chain: tuple[PlannedStage, ...]
    scratch: PlannedStage | None

    @property
    def stages(self) -> tuple[PlannedStage, ...]:
        """Every distinct stage, parents first."""
        extra = () if self.scratch is None else (self.scratch,)
        return tuple({stage.fingerprint: stage for stage in (*self.chain, *extra)}.values())


class Memo(dict[Any, Any]):
    """What several plans of one process have in common: data sets, their digests, leak checks."""

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """The value of a key, made where it is missing."""
        if key not in self:
            self[key] = make()
        return self[key]


def make_plan(experiment: Experiment, through: int = 3, memo: Memo | None = None) -> Plan:
    """Plans the chain of an experiment, through a part of the paper.

    Args:
        experiment: the experiment.
        through: the last part that is planned.
        memo: of plans made before in this process, whose data sets have not changed since.

    Raises:
        MatlError: a stage before the diagnosis would see its validation or test patients.
        DataError: a data set is missing or wrong.
    """
    resources = resolve(experiment.trainer)
    names = [name for name in experiment.chain if experiment.stages[name].part <= through]
    if not names:
        raise MatlError(f"chain: no stage belongs to a part up to {through}")
    _check_batches(experiment, names, resources)
    memo = Memo() if memo is None else memo
    samples = {name: _samples(experiment, name, memo) for name in names}
    checked = ("leaks", experiment.cache, *(id(samples[name]) for name in names))
    memo.once(checked, lambda: refuse_leaks(names, samples, experiment))
    chain: list[PlannedStage] = []
    for name in names:
        parent = chain[-1].fingerprint if chain else None
        chain.append(_planned(experiment, resources, name, samples[name], parent, memo))
    scratch = None
    if (
        "scratch" in experiment.baselines
        and len(chain) > 1
        and chain[-1].config.task == "diagnosis"
    ):
        last = chain[-1]
        scratch = _planned(experiment, resources, last.name, last.samples, None, memo)
    return Plan(experiment, resources, tuple(chain), scratch)


def _samples(experiment: Experiment, name: str, memo: Memo) -> Samples:
    config = experiment.stages[name]
    transductive = getattr(config, "transductive", False)
    key = (repr(config.data), config.task, transductive, experiment.data_root, name)
    return memo.once(key, lambda: stage_samples(experiment, name))


def _check_batches(experiment: Experiment, names: list[str], resources: Resources) -> None:
    for name in names:
        batch, processes = experiment.stages[name].batch_size, resources.processes
        if batch % processes:
            raise MatlError(
                f"stages.{name}.batch_size: {batch} cannot be divided over {processes} processes"
            )


def stage_samples(experiment: Experiment, name: str) -> Samples:
    """The images of a stage, as its task sees them.

    Self-supervision sees the training split alone unless it is transductive; the other tasks see
    labelled images alone, and a diagnosis has the positive class and the rest.

    Raises:
        MatlError: nothing is left to train on, or a diagnosis lacks its positive class.
        DataError: the data set is missing or wrong.
    """
    config = experiment.stages[name]
    samples = load(config.data, Path(experiment.data_root))
    if not isinstance(config, LungSSLConfig):
        samples = samples.subset(samples.table["label"] != "")
    elif not config.transductive:
        samples = samples.subset(samples.table["split"] == "train")
    if not (samples.table["split"] == "train").any():
        kind = "an image" if isinstance(config, LungSSLConfig) else "a labelled image"
        raise MatlError(f"stages.{name}.data: not {kind} is in the training split")
    if isinstance(config, LungSSLConfig) and len(samples) < LEAST_SCANS:
        raise MatlError(f"stages.{name}.data: {len(samples)} images; lung_ssl needs {LEAST_SCANS}")
    if isinstance(config, SourceConfig):
        _check_source(samples, config, name)
    return _two_classes(samples, name) if config.task == "diagnosis" else samples


def _check_source(samples: Samples, config: SourceConfig, name: str) -> None:
    """Each kind of labels needs two classes with training images."""
    for part in [samples.part(one) for one in samples.label_sets] or [samples]:
        training = part.table["label"][part.table["split"] == "train"]
        if training.nunique() < 2:
            source = part.table["source"].iloc[0] if len(part) else name
            raise MatlError(
                f"stages.{name}.data: the training images of {source} are of "
                f"{training.nunique()} class; a source needs 2"
            )
    if config.evenness > 0 and not samples.label_sets:
        raise MatlError(
            f"stages.{name}.evenness: needs a union of data sets with classes of their own"
        )


def _two_classes(samples: Samples, name: str) -> Samples:
    """The positive class and the rest, both of them with training images."""
    if samples.label_sets:
        raise MatlError(f"stages.{name}.data: a diagnosis needs one kind of classes in its union")
    samples = samples.against_rest()
    training = set(samples.table["label"][samples.table["split"] == "train"])
    absent = [label for label in samples.classes if label not in training]
    if absent:
        raise MatlError(f"stages.{name}.data: no training image is of the class '{absent[0]}'")
    if (samples.table["split"] == "train").all():
        raise MatlError(f"stages.{name}.data: no image is held out to evaluate the diagnosis on")
    return samples


def refuse_leaks(names: list[str], samples: dict[str, Samples], experiment: Experiment) -> None:
    """Refuses a chain whose earlier stages train on patients that the diagnosis holds out.

    Patients are compared by name within a data set, and images by their bytes across data sets.
    """
    if not names or experiment.stages[names[-1]].task != "diagnosis":
        return
    target = samples[names[-1]]
    held_out = target.subset(target.table["split"] != "train")
    for name in names[:-1]:
        config = experiment.stages[name]
        if isinstance(config, LungSSLConfig) and config.transductive:
            continue
        seen = samples[name].subset(samples[name].table["split"] == "train")
        shared = shared_patients(seen, held_out)
        if shared:
            source, patient = shared[0]
            raise MatlError(
                f"stages.{name}.data: trains on {len(shared)} patients that {names[-1]} holds out"
                f" (such as {patient} of {source}); give both stages the same split, or say"
                " transductive: true where no label is used"
            )
        copies = same_images(seen, held_out, Path(experiment.cache))
        if copies:
            raise MatlError(
                f"stages.{name}.data: trains on {len(copies)} images that {names[-1]} holds out"
                f" (such as {copies[0]}); leave them out of one of the two"
            )


def same_images(seen: Samples, others: Samples, memo: Path) -> list[str]:
    """Paths in `others` of the files whose bytes are also in `seen`."""
    known = set(file_hashes(seen.files(), memo))
    hashes = file_hashes(others.files(), memo)
    paths = others.table["path"]
    return [path for path, content in zip(paths, hashes, strict=True) if content in known]


def _planned(
    experiment: Experiment,
    resources: Resources,
    name: str,
    samples: Samples,
    parent: str | None,
    memo: Memo,
) -> PlannedStage:
    config = experiment.stages[name]
    hashes = Path(experiment.cache)
    identity = {
        "stage": _identity_settings(config, parent),
        "data": memo.once(("digest", id(samples)), lambda: digest(samples, hashes)),
        "backbone": _backbone_identity(experiment),
        "seed": experiment.seed,
        "trainer": _plain(resources),
        "versions": _versions(config),
        "parent": parent,
    }
    return PlannedStage(name, config, samples, identity, fingerprint(identity), parent)


def fingerprint(identity: Identity) -> str:
    """Hash of an identity, 16 hexadecimal digits."""
    text = json.dumps(identity, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def reason(stage: PlannedStage, store: Store) -> str:
    """Why a stage is not in the store: how it differs from the most similar finished stage."""
    manifests = [store.manifest(entry) for entry in store]
    finished = [
        manifest["identity"]
        for manifest in manifests
        if manifest["identity"]["stage"]["task"] == stage.config.task
    ]
    if not finished:
        return f"no {stage.config.task} stage has been trained yet"
    here = _flat(stage.identity)
    differences = [_differences(here, _flat(other)) for other in finished]
    fewest = min(differences, key=len)
    shown = ", ".join(fewest[:3]) + (f" and {len(fewest) - 3} more" if len(fewest) > 3 else "")
    return f"nearest finished stage differs in {shown}"


def _differences(here: dict[str, Any], other: dict[str, Any]) -> list[str]:
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
    settings = _plain(config)
    del settings["data"]
    if parent is None:
        del settings["transfer"]
    return settings


def _backbone_identity(experiment: Experiment) -> dict[str, Any]:
    settings = _plain(experiment.backbone)
    weights = experiment.backbone.weights
    if weights not in (None, "timm"):
        settings["weights"] = _file_digest(Path(str(weights)))
    return settings


def _file_digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise MatlError(f"backbone.weights: {path} cannot be read: {error.strerror}") from error


def _versions(config: StageConfig) -> dict[str, Any]:
    versions = {
        "task": TASKS[config.task].VERSION,
        "backbone": backbones.VERSION,
        "views": views.VERSION,
        "pixels": cache.VERSION,
        "torch": _minor(torch.__version__),
        "timm": _minor(timm.__version__),
    }
    return versions | ({"lungs": lungs.VERSION} if config.task == "lung_ssl" else {})


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _plain(section: Any) -> Any:
    if is_dataclass(section):
        return {
            item.name: _plain(getattr(section, item.name))
            for item in fields(section)
            if item.metadata.get("identity", True)
        }
    return list(section) if isinstance(section, list | tuple) else section
