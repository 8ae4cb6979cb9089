"""A finished run: what its folder and the store keep of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from data_modules.cache import ImageCache, build_cache
from data_modules.config import DataConfig
from data_modules.fit import BEFORE_FIT
from data_modules.samples import Samples
from matl.checksums import read_file
from matl.config import Experiment, load_experiment
from matl.errors import MatlError
from matl.evaluation.floor import Floor
from matl.files import read_json
from matl.kept import cache_home
from matl.names import EXPERIMENT, FITTED_FLOOR, MANIFEST, SCORES
from matl.orchestrator.classes import classes_apart
from matl.orchestrator.plan import select_images
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.store import Store, open_store
from matl.report.rows import current_name
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig, size_pair
from matl.typed_json import typed

if TYPE_CHECKING:
    from matl.trained import TrainedModel


@dataclass(frozen=True)
class FinishedRun:
    """A run whose diagnoses are in the store.

    Attributes:
        experiment: What was run.
        diagnoses: Fingerprint of each diagnosis by its row of the table.
        ensembles: Fingerprints of the diagnoses whose scores are averaged, by the row of the mean.
    """

    experiment: Experiment
    diagnoses: dict[str, str]
    ensembles: dict[str, list[str]]

    @property
    def config(self) -> StageConfig:
        """The diagnosis's settings."""
        return self.experiment.stages[self.experiment.chain[-1]]

    @property
    def classes_apart(self) -> tuple[str, ...]:
        """The classes of a multi-class diagnosis, in its scores' order; empty where it tells two.

        Raises:
            MatlError: The store has the diagnosis no longer.
        """
        return classes_apart(self.store.manifest(self.stored(next(iter(self.diagnoses)))))

    @property
    def store(self) -> Store:
        """Where its stages are."""
        return Store(self.experiment.store)

    @property
    def members(self) -> list[str]:
        """Fingerprints of its first diagnosis, of each seed of its ensemble: its own seed first."""
        first = next(iter(self.diagnoses.values()))
        return next((one for one in self.ensembles.values() if first in one), [first])

    @property
    def seed_notes(self) -> tuple[str, ...]:
        """What a command says that takes the first seed alone, where the run has several."""
        seeds, own = len(self.members), self.experiment.seed
        if seeds == 1:
            return ()
        return (f"the run averages {seeds} seeds; this is of the first one alone, seed {own}",)

    def floor(self) -> Floor:
        """The floor, as fitted on the images that the diagnosis was trained on."""
        first = next(iter(self.diagnoses))
        file = self.store.file(self.stored(first), FITTED_FLOOR)
        return typed(Floor, read_json(file.read_bytes()))

    def selected(self) -> Samples:
        """The images that the diagnosis was trained and evaluated on, as they are today.

        Raises:
            MatlError: They no longer suit the diagnosis.
            DataError: The data set is missing or wrong.
        """
        return select_images(self.experiment, self.experiment.chain[-1])

    def decoded(self, samples: Samples) -> tuple[Samples, ImageCache]:
        """Images as the diagnosis takes them, those that can be read."""
        return build_cache(
            samples,
            size_pair(self.config.size),
            self.experiment.backbone.in_channels,
            Path(self.experiment.cache),
            self.config.data.on_bad_image,
            fit=self.config.fit,
        )

    def model(self, diagnosis: str) -> "TrainedModel":
        """The trained diagnosis of a fingerprint.

        Raises:
            MatlError: The store no longer has it whole.
        """
        from matl.trained import load_trained

        return load_trained(self.store.entry(in_store(self.store, diagnosis)))

    def scores(self, row: str) -> pd.DataFrame:
        """The stored scores of a row's diagnosis; see `score_samples`."""
        return read_scores(self.store.file(self.stored(row), SCORES))

    def stored(self, row: str) -> str:
        """The fingerprint of a row's diagnosis.

        Raises:
            MatlError: the store has it no longer.
        """
        return in_store(self.store, self.diagnoses[row])


def in_store(store: Store, fingerprint: str) -> str:
    """The fingerprint of a stage that the store has.

    Raises:
        MatlError: it has it no longer.
    """
    if fingerprint not in store:
        raise MatlError(
            f"{store.root}: has no stage {fingerprint}; name the run's store with --store, or run "
            "the experiment again"
        )
    return fingerprint


def read_run(folder: Path, store: Path | None = None) -> FinishedRun:
    """Reads what a run left in its folder.

    Args:
        folder: Of the run.
        store: Holds its stages; by default it is looked for where it was, and beside the run.

    Raises:
        MatlError: it is no folder of a finished run with a diagnosis, or there is no such store.
    """
    try:
        manifest = read_json(read_file(folder, MANIFEST))
        diagnoses = typed(dict[str, str], manifest["diagnoses"])
        ensembles = typed(dict[str, list[str]], manifest.get("ensembles", {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MatlError(f"{folder}: is no folder of a finished run with a diagnosis") from error
    if not diagnoses:
        raise MatlError(f"{folder}: the run has no diagnosis; run the whole chain")
    diagnoses = {current_name(row): fingerprint for row, fingerprint in diagnoses.items()}
    written = yaml.safe_load(read_file(folder, EXPERIMENT))
    experiment = load_experiment(folder / EXPERIMENT, _as_it_was(written))
    if store is not None:
        experiment = replace(experiment, store=str(os.path.realpath(open_store(store).root)))
    located = _located(experiment, folder, list(diagnoses.values()))
    return FinishedRun(located, diagnoses, ensembles)


def _as_it_was(written: Any) -> list[str]:
    """Overrides that say what a run's experiment of an earlier version did not have to say."""
    stages = written.get("stages", {}) if isinstance(written, dict) else {}
    return [
        f"stages.{name}.fit={BEFORE_FIT}"
        for name, stage in stages.items()
        if isinstance(stage, dict) and "fit" not in stage
    ]


def _located(experiment: Experiment, folder: Path, fingerprints: Sequence[str]) -> Experiment:
    """The experiment with absolute paths, from wherever its run is read.

    They began in the folder where it was started: the present one, or the nearest above the run's
    own, from which its store with its stages is found. Of a store that was moved with its run,
    only the name is as it was; so it is of the images and their cache then.
    """
    bases = [Path.cwd(), *Path(os.path.realpath(folder)).parents]
    for moved in (False, True):
        for base in bases:
            place = _Place(base, moved)
            if all((place.of(experiment.store) / one).is_dir() for one in fingerprints):
                return _placed(experiment, place)
    return _placed(experiment, _Place(bases[0], moved=False))


@dataclass(frozen=True)
class _Place:
    """Where the paths of an experiment begin, and whether absolute ones were moved there."""

    base: Path
    moved: bool

    def of(self, path: str) -> Path:
        whole = self.base / Path(path).expanduser()
        there = self.base / whole.name
        return there if self.moved and (there.exists() or not whole.exists()) else whole


def _placed(experiment: Experiment, place: _Place) -> Experiment:
    stages = {
        name: replace(stage, data=_placed_data(stage.data, place))
        for name, stage in experiment.stages.items()
    }
    return replace(
        experiment,
        store=str(place.of(experiment.store)),
        cache=str(_writable(place.of(experiment.cache))),
        data_root=str(place.of(experiment.data_root)),
        stages=stages,
    )


def _writable(cache: Path) -> Path:
    """The folder of decoded images, or the user's own where it is gone or another user's."""
    place = cache if cache.exists() else cache.parent
    return cache if place.exists() and os.access(place, os.W_OK) else cache_home() / "images"


def _placed_data(data: DataConfig, place: _Place) -> DataConfig:
    union = [
        {**member, "root": str(place.of(member["root"]))}
        if isinstance(member, dict) and member.get("root") is not None
        else member
        for member in data.union
    ]
    return replace(data, root=None if data.root is None else str(place.of(data.root)), union=union)


def load_model(path: str | Path) -> "TrainedModel":
    """Loads a trained stage: network, heads, classes and preprocessing.

    Args:
        path: The folder of a finished run (its diagnosis is loaded, that of the first seed), of a
            stage in a store, or a copy of the latter.

    Raises:
        MatlError: There is none, or it is damaged.
    """
    from matl.trained import load_trained

    return load_trained(stage_folder(Path(path)))


def joining_of(path: Path, store: Path | None = None) -> str:
    """How a diagnosis joins the scores of a study's or a patient's images; see `Task.joining`.

    Args:
        path: The folder of a run, whose own setting counts, or of a stage.
        store: As of `stage_folder`.

    Raises:
        MatlError: The run or its stage is missing.
    """
    if (path / EXPERIMENT).is_file():
        config = read_run(path, store).config
    else:
        from matl.trained import load_trained

        config = load_trained(path).config
    return task_of(config).joining(config)


def stage_folder(path: Path, store: Path | None = None) -> Path:
    """The folder of the stage that `load_model` loads.

    Args:
        path: As of `load_model`.
        store: Of a run: holds its stages; by default it is looked for where it was, and beside it.

    Raises:
        MatlError: The run or its stage is missing.
    """
    if not (path / EXPERIMENT).is_file():
        return path
    run = read_run(path, store)
    return run.store.entry(run.stored(next(iter(run.diagnoses))))


def member_folders(path: Path, store: Path | None = None) -> list[Path]:
    """The folders of the stages that score together: of a run's ensemble, that of each seed.

    Args:
        path: As of `load_model`.
        store: As of `stage_folder`.

    Raises:
        MatlError: The run or one of its stages is missing.
    """
    if not (path / EXPERIMENT).is_file():
        return [path]
    run = read_run(path, store)
    return [run.store.entry(in_store(run.store, one)) for one in run.members]
