"""What a chain must not see before its diagnosis: held-out patients and copies of their images."""

from collections.abc import Mapping, Sequence

import pandas as pd

from data_modules.audit.alike import contradictions, refuse_shared, unpublished
from data_modules.audit.near_duplicates import COLUMNS as PAIR_COLUMNS
from data_modules.audit.near_duplicates import near_copies, near_duplicates, same_pixels
from data_modules.audit.overview import same_images, shared_patients
from data_modules.errors import DataError
from data_modules.file_hashes import FileHashes
from data_modules.samples import Samples, texts
from data_modules.spelling import form
from data_modules.splits import split_leaks
from matl.config import Experiment
from matl.errors import MatlError
from matl.lung_boxes import LUNG_BOXES
from matl.stages.registry import task_of
from matl.stages.task import Task


def refuse_leaks(
    names: list[str], samples: dict[str, Samples], experiment: Experiment, hashes: FileHashes
) -> pd.DataFrame:
    """Refuses a chain that trains on patients or images which its diagnosis holds out.

    Patients are compared by name within a data set, and images by what they show. The diagnosis's
    own set must not hold one image in two splits or under two classes; where it names no patients,
    and images that are alike could not be held together, they must not be nearly alike. A stage
    that may see held-out images is left to its settings. What a published split of the diagnosis
    has in training and holds out, too, is no reason to refuse: it is listed.

    Returns:
        The pairs of images of the diagnosis that are nearly identical, as `near_duplicates` gives
        them, and such pairs of a training image of a stage before it and one that is held out. The
        column `stage` names the stage of `path`; `other_path` is the diagnosis's.

    Raises:
        MatlError: A patient or an image would be seen.
    """
    if not names or not task_of(experiment.stages[names[-1]]).diagnoses:
        return pd.DataFrame(columns=["stage", *PAIR_COLUMNS])
    target = samples[names[-1]]
    held_out = target.subset(target.table["split"] != "train")
    _refuse_more_splits(names[-1], experiment)
    trained_on = target.subset(target.table["split"] == "train")
    own = _own_copies(target, names[-1], hashes)
    persons = shared_patients(trained_on, held_out)
    excused = set(_copied(own[own["split"] == "train"]))
    found = [own.assign(stage=names[-1])]
    for name in names[:-1]:
        if samples[name].alone:
            _refuse_shared(samples[name], name, near_duplicates(samples[name], hashes, LUNG_BOXES))
        config = experiment.stages[name]
        task = task_of(config)
        if task.transductive(config):
            continue
        splits = task.training_splits(config)
        seen = samples[name].subset(samples[name].table["split"].isin(splits))
        shared = [one for one in shared_patients(seen, held_out) if one not in persons]
        if shared:
            source, patient = shared[0]
            raise MatlError(
                f"stages.{name}.data: trains on {len(shared)} patients that {names[-1]} holds out"
                f" (such as {patient} of {source}); {_remedy(task, splits)}"
            )
        copies = [one for one in same_images(seen, held_out, hashes) if one not in excused]
        if config.part > 1 and not copies:
            near = near_copies(seen, held_out, hashes, LUNG_BOXES)
            copies = [one for one in _copied(near) if one not in excused]
            found.append(near.assign(stage=name))
        if copies:
            raise MatlError(
                f"stages.{name}.data: trains on {len(copies)} images that {names[-1]} holds out"
                f" (such as {copies[0]}); leave them out of one of the two"
            )
    return pd.concat(found, ignore_index=True)[["stage", *PAIR_COLUMNS]]


def _copied(pairs: pd.DataFrame) -> list[str]:
    """The held-out images of pairs that are identical."""
    return texts(pairs["other_path"][pairs["kind"] == "exact"].drop_duplicates())


def leaking_persons(target: Samples, pairs: pd.DataFrame) -> frozenset[tuple[str, str]]:
    """The persons of the test split who are in another split, too, or look as if they were.

    Args:
        target: The diagnosis's images.
        pairs: Those of them that are nearly identical, of what `refuse_leaks` found.

    Returns:
        The (source, patient) of each; of a person who has an image that is nearly identical to one
        of another split, too.
    """
    leaks = split_leaks(target)
    across = pairs[pairs["split"] != pairs["other_split"]]
    alike = target.table["path"].isin([*across["path"], *across["other_path"]])
    near = target.table[alike & (target.table["split"] == "test")]
    named = set(zip(near["source"], near["patient"], strict=True))
    return frozenset(named | set(leaks.index[leaks["test"] > 0]))


def near_notes(pairs: pd.DataFrame) -> list[str]:
    """Warnings of held-out images that are nearly identical to training images.

    Args:
        pairs: What `refuse_leaks` found.
    """
    across = pairs[pairs["split"] != pairs["other_split"]]
    return [
        f"WARNING: {name} has {len(own)} {'pair' if len(own) == 1 else 'pairs'} of nearly "
        f"identical images across splits, such as {own['path'].iloc[0]} and "
        f"{own['other_path'].iloc[0]}{contradictions(own)} "
        "(matl data --duplicates lists them)"
        for name, own in across.groupby("stage", sort=False)
    ]


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
        shared = _forms(others["patient"]) & _forms(held_out["patient"])
        if shared:
            found.append(
                f"WARNING: {name} has {len(shared)} names of patients that {names[-1]} holds out; "
                "where they are the same people, say so by data.options.source, one name in both"
            )
    return found


def _forms(patients: pd.Series) -> set[str]:
    return {form(name, fractions=False) for name in patients.unique()}


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


def _own_copies(target: Samples, name: str, hashes: FileHashes) -> pd.DataFrame:
    """The pairs of images of a diagnosis that are alike, none of which is a reason to refuse it."""
    refuse_contradictions(target, name, hashes)
    pairs = near_duplicates(target, hashes, LUNG_BOXES)
    _refuse_shared(target, name, pairs)
    across = unpublished(target, pairs)
    across = across[(across["split"] == "train") & (across["other_split"] != "train")]
    if len(across) and not target.patients_named and not target.alone:
        one = across.iloc[0]
        raise MatlError(
            f"stages.{name}.data: {len(across)} pairs of a training image and one that is held out"
            f" are copies or nearly alike (such as {one['path']} and {one['other_path']}); leave"
            " one of each out, or name their patients in a csv"
        )
    return pairs


def _refuse_shared(samples: Samples, name: str, pairs: pd.DataFrame) -> None:
    try:
        refuse_shared(samples, pairs)
    except DataError as error:
        raise MatlError(f"stages.{name}.data: {error}") from error


def refuse_contradictions(target: Samples, name: str, hashes: FileHashes) -> None:
    """Refuses images of the same bytes or pixels that have different labels.

    Args:
        target: A diagnosis's images.
        name: The stage's.
        hashes: What hashes the files.

    Raises:
        MatlError: There are such images.
    """
    table = target.table.assign(pixels=same_pixels(target, hashes))
    labelled = table.drop_duplicates(["pixels", "label"])
    again = labelled[labelled.duplicated("pixels")]
    if again.empty:
        return
    other = again.iloc[0]
    one = labelled[labelled["pixels"] == other["pixels"]].iloc[0]
    images = int(table["pixels"].isin(again["pixels"]).sum())
    contents = hashes.of([str(target.root / path) for path in (one["path"], other["path"])])
    what = "file" if contents[0] == contents[1] else "pixels"
    raise MatlError(
        f"stages.{name}.data: {images} images are in two classes (such as"
        f" {one['path']}, {one['label']}, and {other['path']}, {other['label']}, the same {what});"
        " leave all but one class out"
    )
