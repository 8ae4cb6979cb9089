"""What a chain must not see before its diagnosis: held-out patients and copies of their images."""

from collections.abc import Mapping, Sequence

from data_modules.audit.near_duplicates import near_duplicates
from data_modules.audit.overview import same_images, shared_patients
from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples
from matl.config import Experiment
from matl.errors import MatlError
from matl.stages.registry import task_of
from matl.stages.task import Task


def refuse_leaks(
    names: list[str], samples: dict[str, Samples], experiment: Experiment, hashes: FileHashes
) -> None:
    """Refuses a chain whose earlier stages train on patients that the diagnosis holds out.

    Patients are compared by name within a data set, and images by their bytes across data sets.
    Where the diagnosis's own set names no patients, its images must not be nearly alike. A stage
    that may see held-out images is left to its settings.

    Raises:
        MatlError: A patient or an image would be seen, or is nearly alike.
    """
    if not names or not task_of(experiment.stages[names[-1]]).diagnoses:
        return
    target = samples[names[-1]]
    held_out = target.subset(target.table["split"] != "train")
    _refuse_more_splits(names[-1], experiment)
    if not target.patients_named:
        _refuse_copies(target, names[-1], hashes)
    for name in names[:-1]:
        config = experiment.stages[name]
        task = task_of(config)
        if task.transductive(config):
            continue
        splits = task.training_splits(config)
        seen = samples[name].subset(samples[name].table["split"].isin(splits))
        shared = shared_patients(seen, held_out)
        if shared:
            source, patient = shared[0]
            raise MatlError(
                f"stages.{name}.data: trains on {len(shared)} patients that {names[-1]} holds out"
                f" (such as {patient} of {source}); {_remedy(task, splits)}"
            )
        copies = same_images(seen, held_out, hashes)
        if copies:
            raise MatlError(
                f"stages.{name}.data: trains on {len(copies)} images that {names[-1]} holds out"
                f" (such as {copies[0]}); leave them out of one of the two"
            )


def same_names(names: Sequence[str], samples: Mapping[str, Samples]) -> list[str]:
    """What a reader should know of patients whose names are alike, in data sets of two names."""
    target = samples[names[-1]]
    held_out = target.table[target.table["split"] != "train"]
    found = []
    for name in names[:-1]:
        if not (samples[name].patients_named and target.patients_named):
            continue
        others = samples[name].table
        others = others[~others["source"].isin(held_out["source"])]
        shared = set(others["patient"]) & set(held_out["patient"])
        if shared:
            found.append(
                f"WARNING: {name} has {len(shared)} names of patients that {names[-1]} holds out; "
                "where they are the same people, say so by data.options.source, one name in both"
            )
    return found


def _refuse_more_splits(name: str, experiment: Experiment) -> None:
    """A diagnosis is evaluated on all but the training split, so it trains on that one alone."""
    config = experiment.stages[name]
    splits = task_of(config).training_splits(config)
    if set(splits) != {"train"}:
        raise MatlError(
            f"stages.{name}.task: {config.task} trains on the splits {', '.join(splits)}, and a"
            " diagnosis is evaluated on val and test; let its training_splits be train alone"
        )


def _remedy(task: type[Task], splits: Sequence[str]) -> str:
    if set(splits) - {"train"}:
        own = f"its task trains on the splits {', '.join(splits)}: let it train on train alone"
    else:
        own = "give both stages the same split"
    return f"{own}, or {task.leak_remedy}" if task.leak_remedy else own


def _refuse_copies(target: Samples, name: str, hashes: FileHashes) -> None:
    """Where patients are not named, images that are nearly the same stand in for them."""
    pairs = near_duplicates(target, hashes)
    pairs = pairs[pairs["split"] == "train"]
    if len(pairs):
        one = pairs.iloc[0]
        raise MatlError(
            f"stages.{name}.data: {len(pairs)} pairs of a training image and one that is held out"
            f" are copies or nearly alike (such as {one['path']} and {one['other_path']}); leave"
            " one of each out, or name their patients in a csv"
        )
