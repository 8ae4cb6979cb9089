"""The images of each stage: what its task may see, and what it must not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from data_modules.audit.near_duplicates import near_duplicates
from data_modules.audit.overview import same_images, shared_patients
from data_modules.registry import load
from data_modules.samples import SPLITS, Samples
from matl.config.schema import Experiment, LungSSLConfig, SourceConfig, StageConfig
from matl.errors import MatlError

LEAST_SCANS = 4
"""Self-supervision keeps a quarter of its images as negatives."""


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


def training_splits(config: StageConfig) -> tuple[str, ...]:
    """The splits that a stage trains on: all of them where it is transductive."""
    transductive = isinstance(config, LungSSLConfig) and config.transductive
    return SPLITS if transductive else ("train",)


def training_images(samples: Samples, config: StageConfig) -> Samples:
    """The images of a stage that it trains on."""
    return samples.subset(samples.table["split"].isin(training_splits(config)))


def refuse_skipped_class(name: str, config: StageConfig, readable: Samples) -> None:
    """Checks what `on_bad_image: skip` has left of a stage's images.

    Raises:
        MatlError: too little to train on.
    """
    if isinstance(config, SourceConfig):
        _check_source(readable, config, name)
    elif config.task == "diagnosis":
        _check_classes(readable, name)
    elif len(readable) < LEAST_SCANS:
        raise MatlError(
            f"stages.{name}.data: {len(readable)} images can be read; needs {LEAST_SCANS}"
        )


def _check_source(samples: Samples, config: SourceConfig, name: str) -> None:
    """Each kind of labels needs two classes with training images."""
    for part in [samples.part(one) for one in samples.label_sets] or [samples]:
        training = part.table["label"][part.table["split"] == "train"]
        source = part.table["source"].iloc[0] if len(part) else name
        if part.multi_label and len(part.classes) < 2:
            raise MatlError(
                f"stages.{name}.data: {source} has one label, {part.classes[0]!r}; write a second "
                "class for the images without it"
            )
        if training.nunique() < 2:
            raise MatlError(
                f"stages.{name}.data: the training images of {source} are of "
                f"{training.nunique()} class; a source needs 2"
            )
    if config.evenness > 0 and samples.table["source"].nunique() < 2:
        raise MatlError(f"stages.{name}.evenness: needs a union of data sets")


def _two_classes(samples: Samples, name: str) -> Samples:
    """The positive class and the rest, both of them with training images."""
    if samples.label_sets:
        raise MatlError(f"stages.{name}.data: a diagnosis needs one kind of classes in its union")
    samples = samples.against_rest()
    _check_classes(samples, name)
    return samples


def _check_classes(samples: Samples, name: str) -> None:
    training = set(samples.table["label"][samples.table["split"] == "train"])
    absent = [label for label in samples.classes if label not in training]
    if absent:
        raise MatlError(f"stages.{name}.data: no training image is of the class '{absent[0]}'")
    if (samples.table["split"] == "train").all():
        raise MatlError(f"stages.{name}.data: no image is held out to evaluate the diagnosis on")


def refuse_leaks(names: list[str], samples: dict[str, Samples], experiment: Experiment) -> None:
    """Refuses a chain whose earlier stages train on patients that the diagnosis holds out.

    Patients are compared by name within a data set, and images by their bytes across data sets.
    Where the diagnosis's own set names no patients, its images must not be nearly alike.
    """
    if not names or experiment.stages[names[-1]].task != "diagnosis":
        return
    target = samples[names[-1]]
    held_out = target.subset(target.table["split"] != "train")
    if not target.patients_named:
        _refuse_copies(target, names[-1], Path(experiment.cache))
    for name in names[:-1]:
        config = experiment.stages[name]
        if training_splits(config) == SPLITS:
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
        shared = sorted(set(others["patient"]) & set(held_out["patient"]))
        if shared:
            found.append(
                f"WARNING: {name} has {len(shared)} names of patients that {names[-1]} holds out "
                f"(such as {shared[0]}); where they are the same people, say so by "
                "data.options.source, one name in both"
            )
    return found


def _refuse_copies(target: Samples, name: str, memo: Path) -> None:
    """Where patients are not named, images that are nearly the same stand in for them."""
    pairs = near_duplicates(target, memo)
    pairs = pairs[pairs["split"] == "train"]
    if len(pairs):
        one = pairs.iloc[0]
        raise MatlError(
            f"stages.{name}.data: {len(pairs)} pairs of a training image and one that is held out"
            f" are copies or nearly alike (such as {one['path']} and {one['other_path']}); leave"
            " one of each out, or name their patients in a csv"
        )
