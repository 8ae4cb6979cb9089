"""The audit of an experiment's stages, or of a public data set's copy."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from data_modules.audit.findings import PAIR_COLUMNS, SERIOUS, Finding, ranked
from data_modules.audit.near_duplicates import near_copies
from data_modules.audit.overview import shared_patients
from data_modules.audit.set_audit import Audit, audit_samples
from data_modules.config import DataConfig
from data_modules.file_hashes import FileHashes
from data_modules.public_sets import check_data_set, public_sets
from data_modules.registry import load
from data_modules.samples import Samples
from matl.config import Experiment, load_experiment
from matl.errors import MatlError
from matl.files import disk_errors
from matl.lung_boxes import LUNG_BOXES
from matl.orchestrator.plan import Memo, select_images
from matl.public_sets import read_options
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig


def audit_asked(
    words: Sequence[str], data: str | None, root: Path | None, split: str, cache: Path
) -> dict[str, Audit]:
    """Audits what a user names: an experiment with overrides, or a data set with options.

    Args:
        words: The experiment's file and its overrides; with `data` options of the set.
        data: A data set's name.
        root: Its folder.
        split: Its split.
        cache: As of `audit_data_set`.

    Raises:
        MatlError: Neither or both are named.
        DataError: A data set is missing or wrong.
    """
    if data is None:
        if root is not None:
            raise MatlError(f"--root {root}: name the data set in it by --data")
        if not words:
            raise MatlError("name an experiment's YAML file, or a data set by --data and --root")
        return audit_experiment(load_experiment(Path(words[0]), list(words[1:])))
    if root is None:
        raise MatlError(f"--data {data}: name its folder by --root")
    return audit_data_set(data, root, split, read_options(data, words), cache)


def audit_experiment(experiment: Experiment) -> dict[str, Audit]:
    """Audits each data set of an experiment's chain once, and what its diagnosis holds out.

    Args:
        experiment: Whose stages.

    Returns:
        By the stage's name, of several with the same data the last one; that of a diagnosis also
        tells which of its held-out persons and images an earlier stage trains on.

    Raises:
        MatlError: A setting is wrong.
        DataError: A data set is missing or wrong.
    """
    memo, hashes = Memo(), FileHashes(Path(experiment.cache))
    samples = {name: select_images(experiment, name, memo) for name in experiment.chain}
    stage_of = {repr(experiment.stages[name].data): name for name in samples}
    with disk_errors(Path(experiment.cache)):
        audits = {
            name: _complete(audit_samples(samples[name], hashes, LUNG_BOXES), data)
            for name, data in ((name, experiment.stages[name].data) for name in stage_of.values())
        }
        last = experiment.chain[-1]
        if task_of(experiment.stages[last]).diagnoses:
            found = [
                one
                for name in experiment.chain[:-1]
                for one in _between(name, experiment.stages[name], samples, last, hashes)
            ]
            audits[last] = _with(audits[last], found)
    return audits


def audit_data_set(
    name: str,
    root: Path,
    split: str = "official",
    options: Mapping[str, Any] | None = None,
    cache: Path = Path("cache"),
) -> dict[str, Audit]:
    """Audits a data set of the catalogue, or of a function from outside.

    Args:
        name: The set's.
        root: Its folder.
        split: As `data.split` of an experiment.
        options: Of its `index`.
        cache: The folder of what is kept from one audit to the next.

    Raises:
        DataError: The data set is missing or wrong.
    """
    config = DataConfig(name=name, root=str(root), split=split, options=dict(options or {}))
    hashes = FileHashes(cache)
    with disk_errors(cache):
        samples = load(config, root.parent, hashes=hashes, boxes=LUNG_BOXES)
        return {name: _complete(audit_samples(samples, hashes, LUNG_BOXES), config)}


def _complete(audit: Audit, data: DataConfig) -> Audit:
    """With a finding where a public set's copy is not complete."""
    if data.name not in public_sets() or data.split == "kfold":
        return audit
    root = Path(os.path.expanduser(data.root)) if data.root else audit.samples.root
    checked = check_data_set(str(data.name), root, data.options)
    wrong = [one for one in checked.counts if one.published not in (None, one.found)]
    if checked.complete:
        return audit
    text = (
        f"not as published ({len(checked.missing)} files are missing); matl data check "
        f"{data.name} names them"
    )
    what = "counts or files"
    count = len(wrong) + len(checked.missing)
    return _with(audit, [Finding("incomplete", SERIOUS, count, what, text)])


def _between(
    name: str, config: StageConfig, samples: Mapping[str, Samples], last: str, hashes: FileHashes
) -> list[Finding]:
    """What a stage trains on that the diagnosis holds out."""
    task, target = task_of(config), samples[last]
    if task.transductive(config):
        return []
    held_out = target.subset(target.table["split"] != "train")
    own = samples[name]
    seen = own.subset(own.table["split"].isin(task.training_splits(config)))
    persons = shared_patients(seen, held_out)
    pairs = pd.DataFrame(columns=list(PAIR_COLUMNS))
    if config.part > 1:
        found = near_copies(seen, held_out, hashes, LUNG_BOXES)
        pairs = found.rename(columns={"correlation": "likeness"}).assign(
            patient="", other_patient=""
        )[list(PAIR_COLUMNS)]
    return [
        Finding(
            "persons_across_stages",
            SERIOUS,
            len(persons),
            "persons",
            f"held out by {last} and trained on by {name}; give both stages the same split",
        ),
        Finding(
            "copies_across_stages",
            SERIOUS,
            len(pairs),
            "pairs of images",
            f"the same is trained on by {name} and held out by {last}; leave one of each out",
            pairs,
        ),
    ]


def _with(audit: Audit, further: list[Finding]) -> Audit:
    return replace(audit, findings=tuple(ranked([*audit.findings, *further])))
