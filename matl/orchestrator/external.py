"""External validation: a finished model scored on another data set."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from data_modules.audit.overview import same_images
from data_modules.config import DataConfig
from data_modules.digest import digest
from data_modules.module import ImageDataModule
from data_modules.registry import load
from data_modules.samples import Samples
from matl.config import Experiment
from matl.errors import MatlError
from matl.evaluation.floor import floor_scores, grey_features
from matl.names import EVALUATION
from matl.orchestrator.classes import scored_of
from matl.orchestrator.finished_run import FinishedRun, read_run
from matl.orchestrator.plan import select_images
from matl.orchestrator.resources import resolve
from matl.orchestrator.scoring import score_samples
from matl.report.html.run_page import write_run_page
from matl.report.run_record import RunRecord
from matl.report.run_report import write_report
from matl.stages.registry import task_of


def evaluate_external(
    folder: Path, data: str, positive: str | None, command: str
) -> tuple[RunRecord, Path]:
    """Scores a finished run's diagnoses on every labelled image of another data set.

    Args:
        folder: of a finished run.
        data: `name:root`, a data set's name and its folder.
        positive: its positive class, where the data set names none.
        command: the user's command, for the report.

    Returns:
        The record, and the folder of its report inside the run's.

    Raises:
        MatlError: the run, its stages or the positive class are missing, or the data set's classes
            are not those of a multi-class run.
        DataError: the data set is missing or wrong.
    """
    run = read_run(folder)
    experiment = run.experiment
    samples = _external_samples(data, positive, experiment, run.classes_apart)
    scores = {row: _scores(run, row, samples) for row in run.diagnoses}
    scores["floor"] = _floor(run, samples)
    name, _, root = data.partition(":")
    short = digest(samples, Path(experiment.cache))[:8]
    what = f"{name}:{Path(root).resolve().name} ({short})"
    record = RunRecord(
        experiment=f"{experiment.name} on {what}",
        command=command,
        stages=[],
        scored=scored_of(scores, samples, task_of(run.config).class_order(run.config)),
        split_note=f"every labelled image of {name}; {_overlap(experiment, samples)}",
        manifest={"diagnoses": run.diagnoses},
        notes=[*samples.notes, *([] if run.classes_apart else _other_positive(run, samples))],
    )
    report = folder / f"{EVALUATION}{name}-{short}"
    write_report(record, report)
    for page in (report, folder):
        write_run_page(page)
    return record, report


def _other_positive(run: FinishedRun, samples: Samples) -> list[str]:
    """A warning where the positive class is not named as that of the run."""
    own = run.model(next(iter(run.diagnoses))).positive
    if own == samples.classes[1]:
        return []
    return [f"the positive class here is {samples.classes[1]}; the diagnosis learned {own}"]


def _overlap(experiment: Experiment, samples: Samples) -> str:
    """How many of the images were trained on, in words."""
    copies: set[str] = set()
    patients = "" if samples.patients_named else "; no patients are named: an image is one"
    for name in experiment.chain:
        config, seen = experiment.stages[name], select_images(experiment, name)
        splits = task_of(config).training_splits(config)
        training = seen.subset(seen.table["split"].isin(splits))
        copies |= set(same_images(training, samples, Path(experiment.cache)))
    if copies:
        return f"{len(copies)} OF THEM WERE TRAINED ON, so this is no external validation{patients}"
    return f"no file of it was trained on{patients}"


def _external_samples(
    data: str, positive: str | None, experiment: Experiment, classes: tuple[str, ...]
) -> Samples:
    """Every labelled image, as test images; `classes` are those of a multi-class run."""
    name, colon, root = data.partition(":")
    if not colon or not root:
        raise MatlError(f"--data {data}: write NAME:ROOT, as in folder:other_hospital")
    if classes and positive is not None:
        raise MatlError(
            f"--positive {positive}: the diagnosis is multi-class ({', '.join(classes)}); leave "
            "--positive out"
        )
    config = DataConfig(name=name, root=root, positive=positive or "")
    samples = load(config, Path(experiment.data_root))
    samples = samples.subset(samples.table["label"] != "")
    if not classes and samples.positive is None:
        raise MatlError(f"--data {data}: names no positive class; say which with --positive")
    if not len(samples):
        raise MatlError(f"--data {data}: no image has a label")
    samples = dataclasses.replace(samples, table=samples.table.assign(split="test"))
    return _as_learned(data, samples, classes) if classes else samples.against_rest()


def _as_learned(data: str, samples: Samples, classes: tuple[str, ...]) -> Samples:
    """The images with the classes of a multi-class diagnosis, of which some may have no image."""
    unknown = sorted(set(samples.table["label"]) - set(classes))
    if unknown:
        raise MatlError(
            f"--data {data}: has the class '{unknown[0]}', which the diagnosis did not learn; its "
            f"classes are {', '.join(classes)}"
        )
    return dataclasses.replace(samples, classes=classes, positive=None, multi_label=False)


def _scores(run: FinishedRun, row: str, samples: Samples) -> pd.DataFrame:
    kept, cache = run.decoded(samples)
    stage = run.model(row).stage
    batches = ImageDataModule(
        kept,
        cache,
        batch_size=run.config.batch_size,
        seed=run.experiment.seed,
        task=run.config.task,
    )
    return score_samples(stage, batches, ("test",), resolve(run.experiment.trainer).device)


def _floor(run: FinishedRun, samples: Samples) -> pd.DataFrame:
    """Scores of the floor, fitted on the images that the diagnosis was trained on."""
    own, own_cache = run.decoded(run.selected())
    other, other_cache = run.decoded(samples)
    train = (own.table["split"] == "train").to_numpy()
    features = [grey_features(cache.images, cache.sizes) for cache in (own_cache, other_cache)]
    return floor_scores(
        pd.concat([own.table[train], other.table], ignore_index=True),
        np.concatenate([features[0][train], features[1]]),
        np.concatenate([own.targets()[train], other.targets()]),
        classes=run.classes_apart,
    )
