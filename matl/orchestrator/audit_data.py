"""The audit of an experiment's stages, or of a public data set's copy."""

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
from data_modules.counted import counted
from data_modules.file_hashes import FileHashes
from data_modules.public_sets import check_data_set, public_sets
from data_modules.registry import load, members_of, root_of
from data_modules.samples import Samples
from matl.config import Experiment, load_experiment
from matl.errors import MatlError
from matl.files import disk_errors
from matl.lung_boxes import LUNG_BOXES
from matl.orchestrator.plan import Memo, select_images
from matl.public_sets import read_options
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig

CACHE = Path("cache")


def audit_asked(
    words: Sequence[str],
    data: str | None,
    root: Path | None,
    split: str | None = None,
    cache: Path | None = None,
) -> dict[str, Audit]:
    """Audits what a user names: an experiment with overrides, or a data set with options.

    Args:
        words: The experiment's file and its overrides; with `data` options of the set.
        data: A data set's name.
        root: Its folder.
        split: Its split; None takes the official one.
        cache: As of `audit_data_set`; None takes `CACHE`.

    Raises:
        MatlError: Neither or both are named, or an option is of the other.
        DataError: A data set is missing or wrong.
    """
    if data is None:
        if root is not None:
            raise MatlError(f"--root {root}: name the data set in it by --data")
        if split is not None:
            raise MatlError(
                f"--split {split}: goes with --data; of an experiment write "
                f"stages.NAME.data.split={split}"
            )
        if cache is not None:
            raise MatlError(
                f"--cache {cache}: goes with --data; of an experiment write cache={cache}"
            )
        if not words:
            raise MatlError("name an experiment's YAML file, or a data set by --data and --root")
        return audit_experiment(load_experiment(Path(words[0]), list(words[1:])))
    if root is None:
        raise MatlError(f"--data {data}: name its folder by --root")
    options = read_options(data, words)
    return audit_data_set(data, root, split or "official", options, cache or CACHE)


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
    data_root = Path(experiment.data_root)
    samples = {name: select_images(experiment, name, memo) for name in experiment.chain}
    stage_of = {repr(experiment.stages[name].data): name for name in samples}
    with disk_errors(Path(experiment.cache)):
        audits = {
            name: _complete(audit_samples(samples[name], hashes, LUNG_BOXES), data, data_root)
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
    cache: Path = CACHE,
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
        return {name: _complete(audit_samples(samples, hashes, LUNG_BOXES), config, root.parent)}


def _complete(audit: Audit, data: DataConfig, data_root: Path) -> Audit:
    """With a finding for each public set whose copy is not complete."""
    checked = (_incomplete(one, data_root) for one in members_of(data))
    return _with(audit, [one for one in checked if one is not None])


def _incomplete(data: DataConfig, data_root: Path) -> Finding | None:
    if data.name not in public_sets():
        return None
    checked = check_data_set(str(data.name), root_of(data, data_root), data.options)
    if checked.complete:
        return None
    wrong = [one for one in checked.counts if one.published not in (None, one.found)]
    missing = counted(len(checked.missing), "file is", "files are")
    text = (
        f"of {data.name} not as published ({missing} missing); matl data "
        f"check {data.name} names them"
    )
    count = max(len(wrong) + len(checked.missing), 1)
    return Finding(
        "incomplete", SERIOUS, count, "count or file" if count == 1 else "counts or files", text
    )


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
        pairs = _copied(seen, held_out, near_copies(seen, held_out, hashes, LUNG_BOXES))
    return [
        Finding(
            "persons_across_stages",
            SERIOUS,
            len(persons),
            "person" if len(persons) == 1 else "persons",
            f"held out by {last} and trained on by {name}; give both stages the same split",
        ),
        Finding(
            "copies_across_stages",
            SERIOUS,
            len(pairs),
            "pair of images" if len(pairs) == 1 else "pairs of images",
            f"the same is trained on by {name} and held out by {last}; leave one of each out",
            pairs,
            own,
            name,
        ),
    ]


def _copied(seen: Samples, held_out: Samples, near: pd.DataFrame) -> pd.DataFrame:
    """What `near_copies` found, as pairs of a held-out image and one that an earlier stage sees."""
    sides = [
        samples.table.set_index("path").loc[near[column], ["split", "source", "patient", "label"]]
        for samples, column in ((held_out, "other_path"), (seen, "path"))
    ]
    first, second = (side.reset_index(names="path") for side in sides)
    found = near[["kind"]].assign(likeness=near["correlation"])
    return pd.concat([first, second.add_prefix("other_"), found], axis=1)[list(PAIR_COLUMNS)]


def _with(audit: Audit, further: list[Finding]) -> Audit:
    return replace(audit, findings=tuple(ranked([*audit.findings, *further])))
