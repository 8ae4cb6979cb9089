"""The plan: which stages a chain needs, by fingerprint, and what the store already has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from data_modules.digest import content_digest, digest
from data_modules.file_hashes import FileHashes
from data_modules.registry import load
from data_modules.samples import Samples
from matl.backbones.card import refuse_grey
from matl.config import Experiment, checked
from matl.errors import MatlError, SettingError
from matl.files import disk_errors
from matl.lung_boxes import LUNG_BOXES
from matl.orchestrator.fingerprints import Identity, fingerprint, stage_identity
from matl.orchestrator.leaks import refuse_leaks
from matl.orchestrator.resources import Resources, resolve
from matl.orchestrator.thinned import thinned
from matl.report.rows import from_scratch
from matl.stages.check import check_images, check_task, faults_of
from matl.stages.registry import task_of
from matl.stages.settings import PARTS, StageConfig
from matl.stages.task import Task


@dataclass(frozen=True)
class PlannedStage:
    """One stage with all that decides its result.

    Attributes:
        name: The stage's name in the experiment.
        config: Its settings.
        samples: Its images.
        content: Digest of the images' bytes.
        identity: What the fingerprint hashes.
        fingerprint: 16 hexadecimal digits.
        parent: Fingerprint of the stage whose backbone this one begins from.
        from_scratch: Whether it is trained without the stages before it, for comparison.
        of_further_seed: Whether it is of an ensemble's second seed or a later one.
    """

    name: str
    config: StageConfig
    samples: Samples
    content: str
    identity: Identity
    fingerprint: str
    parent: str | None
    from_scratch: bool = False
    of_further_seed: bool = False

    @property
    def title(self) -> str:
        """The stage's name as it is shown."""
        name = from_scratch(self.name) if self.from_scratch else self.name
        return f"{name}, seed {self.seed}" if self.of_further_seed else name

    @property
    def seed(self) -> int:
        """What its randomness follows from."""
        return int(self.identity["seed"])

    @cached_property
    def task(self) -> type[Task]:
        """What the stage trains."""
        return task_of(self.config)

    @cached_property
    def training(self) -> Samples:
        """The images that the stage trains on."""
        splits = self.task.training_splits(self.config)
        return self.samples.subset(self.samples.table["split"].isin(splits))


class Member(NamedTuple):
    """What one seed trains.

    Attributes:
        chain: The stages in order.
        scratch: The diagnosis without the stages before it, where `baselines` asks for it.
    """

    chain: tuple[PlannedStage, ...]
    scratch: PlannedStage | None


@dataclass(frozen=True)
class Plan:
    """What an experiment runs.

    Attributes:
        experiment: The experiment.
        resources: Its trainer section with `auto` resolved.
        members: What each seed of its ensemble trains, that of its own seed first.
        alike: The pairs of images that are nearly identical to one of the diagnosis; see
            `refuse_leaks`.
    """

    experiment: Experiment
    resources: Resources
    members: tuple[Member, ...]
    alike: pd.DataFrame

    @property
    def chain(self) -> tuple[PlannedStage, ...]:
        """The stages of the experiment's own seed, in order."""
        return self.members[0].chain

    @property
    def scratch(self) -> PlannedStage | None:
        """The diagnosis of the experiment's own seed without the stages before it, if asked for."""
        return self.members[0].scratch

    @property
    def folder(self) -> Path:
        """The folder of the run's report, named by the experiment, its last stage and its seeds."""
        name = f"{self.experiment.name}-{self.chain[-1].fingerprint[:8]}"
        seeds = f"-{len(self.members)}_seeds" if len(self.members) > 1 else ""
        return Path(self.experiment.runs) / f"{name}{seeds}"

    @property
    def stages(self) -> tuple[PlannedStage, ...]:
        """Every distinct stage, parents first."""
        stages = [
            stage
            for chain, scratch in self.members
            for stage in (*chain, *([] if scratch is None else [scratch]))
        ]
        return tuple({stage.fingerprint: stage for stage in reversed(stages)}.values())[::-1]


class Memo(dict[Any, Any]):
    """What several plans of one process have in common: data sets, their digests, leak checks."""

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """The value of a key, made where it is missing."""
        if key not in self:
            self[key] = make()
        return self[key]


def make_plan(experiment: Experiment, through: int = 3) -> Plan:
    """Plans the chain of an experiment, through a part of the paper. Trains nothing.

    Args:
        experiment: What to run; one built in Python is checked as a file is.
        through: The last part that is planned.

    Raises:
        MatlError: A setting is wrong, or a stage before the diagnosis would see its validation or
            test patients.
        DataError: A data set is missing or wrong.
    """
    return plan_checked(checked(experiment), through)


def plan_checked(experiment: Experiment, through: int = 3, memo: Memo | None = None) -> Plan:
    """Plans the chain of an experiment whose settings are checked already.

    Args:
        experiment: The experiment.
        through: The last part that is planned.
        memo: Of plans made before in this process, whose data sets have not changed since.

    Raises:
        MatlError: A stage before the diagnosis would see its validation or test patients, a task
            from outside is not whole, or the initial weights are of grey images and the network
            of colour.
        DataError: A data set is missing or wrong.
    """
    resources = resolve(experiment.trainer, experiment.backbone.name)
    refuse_grey(experiment.backbone)
    if through not in PARTS:
        raise MatlError(f"through: {through!r} is not possible; choose from 1, 2, 3")
    names = [name for name in experiment.chain if experiment.stages[name].part <= through]
    if not names:
        raise MatlError(f"chain: no stage belongs to a part up to {through}")
    _check_batches(experiment, names, resources)
    _check_tasks(experiment, names)
    memo = Memo() if memo is None else memo
    samples = {name: _samples(experiment, name, memo) for name in names}
    _check_processes(experiment, samples, resources)
    hashes = _hashes(experiment, memo)
    seen = ((repr(experiment.stages[name]), id(samples[name])) for name in names)
    images = ("leaks", experiment.cache, *seen)
    with disk_errors(Path(experiment.cache)):
        alike = memo.once(images, lambda: refuse_leaks(names, samples, experiment, hashes))
    seeds = range(experiment.seed, experiment.seed + experiment.ensemble)
    members = (_member(replace(experiment, seed=one), resources, samples, memo) for one in seeds)
    own, *further = members
    return Plan(experiment, resources, (own, *map(_further, further)), alike)


def _member(
    experiment: Experiment, resources: Resources, samples: Mapping[str, Samples], memo: Memo
) -> Member:
    """What the experiment's seed trains, of the stages whose images are given in order."""
    chain: list[PlannedStage] = []
    for name, images in samples.items():
        parent = chain[-1].fingerprint if chain else None
        chain.append(_planned(experiment, resources, name, images, parent, memo))
    scratch, last = None, chain[-1]
    if "scratch" in experiment.baselines and len(chain) > 1 and last.task.diagnoses:
        alone = _planned(experiment, resources, last.name, last.samples, None, memo)
        scratch = replace(alone, from_scratch=True)
    return Member(tuple(chain), scratch)


def _further(member: Member) -> Member:
    scratch = member.scratch and replace(member.scratch, of_further_seed=True)
    return Member(tuple(replace(one, of_further_seed=True) for one in member.chain), scratch)


def select_images(experiment: Experiment, name: str, memo: Memo | None = None) -> Samples:
    """The images of a stage, as its task may see them, thinned where its settings say so.

    Args:
        experiment: The experiment.
        name: The stage's.
        memo: Of data sets that were loaded before in this process.

    Raises:
        SettingError: Too little is left to train on, or the data does not suit the task.
        DataError: The data set is missing or wrong.
    """
    config = experiment.stages[name]
    task, memo = task_of(config), Memo() if memo is None else memo
    root = Path(experiment.data_root)
    indexed = memo.once("indexed", dict)
    hashes = _hashes(experiment, memo)
    whole = memo.once(
        (repr(config.data), root),
        lambda: load(config.data, root, indexed, hashes, boxes=LUNG_BOXES),
    )
    try:
        with faults_of(task, "select"):
            samples = task.select(whole, config)
            if not isinstance(samples, Samples):
                raise TypeError(f"it returns {type(samples).__name__}, not Samples")
        samples = thinned(name, samples, config, hashes)
        check_images(task, samples, config)
    except SettingError as error:
        raise error.under("stages", name) from error
    return samples


def _samples(experiment: Experiment, name: str, memo: Memo) -> Samples:
    key = (repr(experiment.stages[name]), experiment.data_root, name)
    return memo.once(key, lambda: select_images(experiment, name, memo))


def _check_tasks(experiment: Experiment, names: list[str]) -> None:
    for name in names:
        config = experiment.stages[name]
        try:
            check_task(task_of(config), config)
        except SettingError as error:
            raise error.under("stages", name) from error


def _check_batches(experiment: Experiment, names: list[str], resources: Resources) -> None:
    for name in names:
        batch, processes = experiment.stages[name].batch_size, resources.processes
        if batch % processes:
            raise MatlError(
                f"stages.{name}.batch_size: {batch} cannot be divided over {processes} processes"
            )
        if batch < 2 * processes:
            raise MatlError(
                f"stages.{name}.batch_size: {batch} leaves one image to each of {processes} "
                f"processes, and batch norm needs two; set at least {2 * processes}"
            )


def _check_processes(
    experiment: Experiment, samples: Mapping[str, Samples], resources: Resources
) -> None:
    """The training images of each stage must suffice for its processes.

    Raises:
        MatlError: A process would get fewer than two of a batch.
    """
    for name, all_images in samples.items():
        config = experiment.stages[name]
        splits = task_of(config).training_splits(config)
        images = int(all_images.table["split"].isin(splits).sum())
        if images < 2 * resources.processes:
            raise MatlError(
                f"stages.{name}.data: {images} training images are too few for "
                f"{resources.processes} processes, as batch norm needs two in each; "
                + (f"set trainer.devices={images // 2}" if images > 1 else "at least 2 are needed")
            )


def _planned(
    experiment: Experiment,
    resources: Resources,
    name: str,
    samples: Samples,
    parent: str | None,
    memo: Memo,
) -> PlannedStage:
    config = experiment.stages[name]
    hashes = _hashes(experiment, memo)
    columns = tuple(sorted({one.column for one in task_of(config).derived(config)} - {""}))
    with disk_errors(Path(experiment.cache)):
        data = memo.once(("digest", id(samples), columns), lambda: digest(samples, hashes, columns))
        content = memo.once(("content", id(samples)), lambda: content_digest(samples, hashes))
    identity = stage_identity(experiment, config, resources, data, parent)
    return PlannedStage(name, config, samples, content, identity, fingerprint(identity), parent)


def _hashes(experiment: Experiment, memo: Memo) -> FileHashes:
    """What has hashed the files of this process's plans: it looks at each of them once."""
    return memo.once(("hashes", experiment.cache), lambda: FileHashes(Path(experiment.cache)))
