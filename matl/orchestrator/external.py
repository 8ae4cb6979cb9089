"""External validation: a finished model scored on another data set."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pandas as pd

from data_modules.cache import ImageCache
from data_modules.config import DataConfig
from data_modules.digest import digest
from data_modules.file_hashes import FileHashes
from data_modules.formats.places import levels_of
from data_modules.levels import GREY
from data_modules.module import ImageDataModule
from data_modules.registry import DATASETS, OF_SCANS, load
from data_modules.samples import Samples
from data_modules.spacing import stated_spacing
from data_modules.spelling import form
from matl.errors import MatlError
from matl.evaluation.floor import floor_scores, grey_features
from matl.lung_boxes import LUNG_BOXES
from matl.manifest import StageManifest
from matl.names import EVALUATION
from matl.orchestrator.classes import scored_of
from matl.orchestrator.finished_run import FinishedRun, read_run
from matl.orchestrator.overlap import overlap_words
from matl.orchestrator.resources import resolve
from matl.orchestrator.scoring import averaged, score_samples
from matl.report.html.run_page import write_run_page
from matl.report.run_record import RunRecord
from matl.report.run_report import write_report
from matl.stages.registry import task_of


def evaluate_external(
    folder: Path, data: str, positive: str | None, command: str, store: Path | None = None
) -> tuple[RunRecord, Path]:
    """Scores a finished run's diagnoses on every labelled image of another data set.

    Args:
        folder: of a finished run.
        data: `name:root`, a data set's name and its folder.
        positive: its positive class, where the data set names none.
        command: the user's command, for the report.
        store: holds the run's stages; by default it is looked for where it was, and beside the run.

    Returns:
        The record, and the folder of its report inside the run's.

    Raises:
        MatlError: the run, its stages or the positive class are missing, or the data set's classes
            are not those of a multi-class run.
        DataError: the data set is missing or wrong.
    """
    run, gone = _without_gone(read_run(folder, store))
    experiment = run.experiment
    whole = _external_samples(data, positive, run)
    samples, cache = run.decoded(whole)
    rows = {row: [one] for row, one in run.diagnoses.items()} | run.ensembles
    diagnoses = dict.fromkeys(one for members in rows.values() for one in members)
    own = {one: _scores(run, one, samples, cache) for one in diagnoses}
    scores = {row: averaged([own[one] for one in members]) for row, members in rows.items()}
    scores["floor"] = _floor(run, samples, cache)
    task, (name, root) = task_of(run.config), name_and_root(data)
    overlap, warnings = overlap_words(run, samples)
    short = digest(samples, Path(experiment.cache))[:8]
    what = f"{name}:{Path(os.path.realpath(root)).name} ({short})"
    record = RunRecord(
        experiment=f"{experiment.name} on {what}",
        command=command,
        stages=[],
        scored=scored_of(
            scores, samples, task.class_order(run.config), join=task.joining(run.config)
        ),
        split_note=f"{_how_many(samples, whole)} of {name}; {overlap}",
        manifest={"diagnoses": run.diagnoses},
        notes=[
            *warnings,
            *samples.notes,
            *gone,
            *_other_classes(run, samples),
            *_other_spacing(run, samples),
        ],
    )
    report = folder / f"{EVALUATION}{name.replace(':', '.')}-{short}"
    write_report(record, report)
    for page in (report, folder):
        write_run_page(page)
    return record, report


def _how_many(used: Samples, whole: Samples) -> str:
    if len(used) == len(whole):
        return "every labelled image"
    return f"{len(used)} of {len(whole)} labelled images"


def _without_gone(run: FinishedRun) -> tuple[FinishedRun, list[str]]:
    """The run with the diagnoses that its store still has, and a line on each other one."""
    gone = {}
    for row, members in (
        {row: [one] for row, one in run.diagnoses.items()} | run.ensembles
    ).items():
        lost = [one for one in members if one not in run.store]
        if lost:
            line = f"{run.store.root} no longer has its stage {lost[0]}"
            gone[row] = f"{row} is not scored: {line}"
    diagnoses = {row: one for row, one in run.diagnoses.items() if row not in gone}
    ensembles = {row: one for row, one in run.ensembles.items() if row not in gone}
    if not diagnoses:
        return run, []
    return dataclasses.replace(run, diagnoses=diagnoses, ensembles=ensembles), [*gone.values()]


def _learned(run: FinishedRun) -> str:
    """The class that the diagnosis learned as positive."""
    return str(_first_manifest(run).positive)


def _first_manifest(run: FinishedRun) -> StageManifest:
    return run.store.manifest(run.stored(next(iter(run.diagnoses))))


def _refuse_swapped(samples: Samples, run: FinishedRun) -> None:
    """Refuses a class that the diagnosis learned as negative as the one that is to be found."""
    manifest, positive = _first_manifest(run), str(samples.positive)
    learned = [one for one in samples.classes if form(one) == form(str(manifest.positive))]
    if learned and positive not in learned:
        raise MatlError(
            f"--positive {positive}: the diagnosis learned {manifest.positive}, and the data has "
            f"that class, too; write --positive {learned[0]}"
        )
    if form(positive) in {form(name) for name in manifest.classes if name != manifest.positive}:
        raise MatlError(
            f"--positive {positive}: is the negative class of this diagnosis, which learned "
            f"{manifest.positive}: sensitivity and specificity would change places; name the class "
            f"that stands for {manifest.positive}"
        )


def _other_classes(run: FinishedRun, samples: Samples) -> list[str]:
    """Warnings where the classes are not those of the run, or not all there."""
    own, notes = _learned(run), []
    if not run.classes_apart and own != samples.classes[1]:
        notes.append(
            f"the positive class here is {samples.classes[1]}; the diagnosis learned {own}"
        )
    labels = set(samples.table["label"])
    notes += [
        f"no image here is of the class {one}: what needs one has no meaning and is not shown"
        for one in samples.classes
        if one not in labels
    ]
    return notes


def _other_spacing(run: FinishedRun, samples: Samples) -> list[str]:
    """A warning where images cannot be looked at with the spacing of the training."""
    wanted = _first_manifest(run).spacing
    if wanted is None or stated_spacing(samples) == wanted:
        return []
    return [
        f"WARNING: the diagnosis looked at {wanted:g} mm per pixel, and the spacing of these "
        "images is not known: they are fitted whatever they show"
    ]


def _own_options(run: FinishedRun) -> dict[str, Any]:
    """Which slices, spacing and range of grey values the diagnosis was trained with, as options."""
    data, manifest = run.config.data, _first_manifest(run)
    options = data.options if data.name in OF_SCANS else {}
    own: dict[str, Any] = {key: options[key] for key in ("slices",) if key in options}
    if manifest.spacing is not None:
        own["spacing"] = manifest.spacing
    levels = manifest.levels
    if set(levels) != {GREY}:  # with Hounsfield units in training, a range would change others
        return own
    return {**own, "range": list(levels_of(levels[GREY]).ranges[0])}


def _external_samples(data: str, positive: str | None, run: FinishedRun) -> Samples:
    """Every labelled image, as test images, with the classes that the diagnosis tells apart."""
    name, root = name_and_root(data)
    classes = run.classes_apart
    if classes and positive is not None:
        raise MatlError(
            f"--positive {positive}: the diagnosis is multi-class ({', '.join(classes)}); leave "
            "--positive out"
        )
    hashes = FileHashes(Path(run.experiment.cache))
    config = DataConfig(name=name, root=root, window=run.config.data.window)
    config.options = _own_options(run) if name in OF_SCANS else {}
    samples = load(
        config, Path(run.experiment.data_root), hashes=hashes, unsplit=True, boxes=LUNG_BOXES
    )
    samples = samples.subset(samples.table["label"] != "")
    if not len(samples):
        raise MatlError(f"--data {data}: no image has a label")
    whole = dataclasses.replace(samples, table=samples.table.assign(split="test"))
    if classes:
        return _as_learned(whole, data, classes)
    chosen = _with_positive(whole, data, positive, _learned(run))
    _refuse_swapped(chosen, run)
    return chosen.against_rest()


def name_and_root(data: str) -> tuple[str, str]:
    """The two halves of `folder:other_hospital`, and of `mypkg.scans:index:other_hospital`."""
    name, _, root = data.partition(":")
    if name not in DATASETS and ":" in root:
        function, _, root = root.partition(":")
        name = f"{name}:{function}"
    if not root:
        raise MatlError(f"--data {data}: write NAME:ROOT, as in folder:other_hospital")
    return name, root


def _with_positive(samples: Samples, data: str, positive: str | None, learned: str) -> Samples:
    """Images with the class that is to be found; of those that learned it, none need be of it.

    Raises:
        MatlError: No class is named, or one that neither the data nor the diagnosis has.
    """
    classes, chosen = samples.classes, positive or samples.positive
    listed = f"its classes are {', '.join(classes)}, and the diagnosis learned {learned}"
    if chosen is None:
        raise MatlError(f"--data {data}: names no positive class; {listed}; choose by --positive")
    if chosen not in (*classes, learned):
        raise MatlError(f"--positive {chosen}: {data} has no such class; {listed}")
    classes = classes if chosen in classes else (*classes, chosen)
    return dataclasses.replace(samples, classes=classes, positive=chosen)


def _as_learned(samples: Samples, data: str, classes: tuple[str, ...]) -> Samples:
    """Images with the classes of a multi-class diagnosis; of some there may be none.

    Raises:
        MatlError: The data has a class that the diagnosis did not learn.
    """
    unknown = sorted(set(samples.table["label"]) - set(classes))
    if unknown:
        raise MatlError(
            f"--data {data}: has the class '{unknown[0]}', which the diagnosis did not learn; its "
            f"classes are {', '.join(classes)}"
        )
    return dataclasses.replace(samples, classes=classes, positive=None, multi_label=False)


def _scores(run: FinishedRun, diagnosis: str, samples: Samples, cache: ImageCache) -> pd.DataFrame:
    stage = run.model(diagnosis).stage
    batches = ImageDataModule(
        samples,
        cache,
        batch_size=run.config.batch_size,
        seed=run.experiment.seed,
        task=run.config.task,
    )
    device = resolve(run.experiment.trainer, run.experiment.backbone.name).device
    return score_samples(stage, batches, ("test",), device)


def _floor(run: FinishedRun, samples: Samples, cache: ImageCache) -> pd.DataFrame:
    """Scores of the floor, fitted on the images that the diagnosis was trained on."""
    features, targets = grey_features(cache.images, cache.sizes), samples.targets()
    return floor_scores(run.floor(), samples.table, features, targets, run.classes_apart)
