"""A finished run: what its folder and the store keep of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from data_modules.cache import ImageCache, build_cache
from data_modules.config import DataConfig
from data_modules.samples import Samples
from matl.config import Experiment, load_experiment
from matl.errors import MatlError
from matl.names import EXPERIMENT, MANIFEST, SCORES
from matl.orchestrator.plan import select_images
from matl.orchestrator.scoring import read_scores
from matl.orchestrator.store import Store
from matl.report.rows import current_name
from matl.stages.settings import StageConfig, size_pair

if TYPE_CHECKING:
    from matl.trained import TrainedModel


@dataclass(frozen=True)
class FinishedRun:
    """A run whose diagnoses are in the store.

    Attributes:
        experiment: What was run.
        diagnoses: Fingerprint of each diagnosis by its row of the table.
    """

    experiment: Experiment
    diagnoses: dict[str, str]

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
        manifest = self.store.manifest(self.stored(next(iter(self.diagnoses))))
        several = manifest.positive is None and len(manifest.classes) > 2
        return tuple(manifest.classes) if several else ()

    @property
    def store(self) -> Store:
        """Where its stages are."""
        return Store(self.experiment.store)

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
        )

    def model(self, row: str) -> "TrainedModel":
        """The trained diagnosis of a row.

        Raises:
            MatlError: The store no longer has it whole.
        """
        from matl.trained import load_trained

        return load_trained(self.store.entry(self.stored(row)))

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
        raise MatlError(f"{store.root}: has no stage {fingerprint}; run the experiment again")
    return fingerprint


def read_run(folder: Path) -> FinishedRun:
    """Reads what a run left in its folder.

    Raises:
        MatlError: it is no folder of a finished run with a diagnosis.
    """
    try:
        diagnoses = json.loads((folder / MANIFEST).read_text())["diagnoses"]
    except (OSError, ValueError, KeyError) as error:
        raise MatlError(f"{folder}: is no folder of a finished run with a diagnosis") from error
    if not diagnoses:
        raise MatlError(f"{folder}: the run has no diagnosis; run the whole chain")
    diagnoses = {current_name(row): fingerprint for row, fingerprint in diagnoses.items()}
    experiment = load_experiment(folder / EXPERIMENT)
    located = _located(experiment, folder, list(diagnoses.values()))
    return FinishedRun(located, diagnoses)


def _located(experiment: Experiment, folder: Path, fingerprints: Sequence[str]) -> Experiment:
    """The experiment with absolute paths, from wherever its run is read.

    They began in the folder where it was started: the present one, or the nearest above the run's
    own, from which its store with its stages is found.
    """
    bases = [Path.cwd(), *folder.resolve().parents]
    stores = [one / experiment.store for one in bases]
    known = [all((store / one).is_dir() for one in fingerprints) for store in stores]
    base = bases[known.index(True)] if any(known) else bases[0]
    stages = {
        name: replace(stage, data=_located_data(stage.data, base))
        for name, stage in experiment.stages.items()
    }
    return replace(
        experiment,
        store=str(base / experiment.store),
        cache=str(base / experiment.cache),
        data_root=str(base / experiment.data_root),
        stages=stages,
    )


def _located_data(data: DataConfig, base: Path) -> DataConfig:
    union = [
        {**member, "root": str(base / Path(member["root"]).expanduser())}
        if isinstance(member, dict) and "root" in member
        else member
        for member in data.union
    ]
    return replace(data, root=None if data.root is None else str(base / data.root), union=union)


def load_model(path: str | Path) -> "TrainedModel":
    """Loads a trained stage: network, heads, classes and preprocessing.

    Args:
        path: The folder of a finished run (its diagnosis is loaded), of a stage in a store, or a
            copy of the latter.

    Raises:
        MatlError: There is none, or it is damaged.
    """
    from matl.trained import load_trained

    path = Path(path)
    if not (path / EXPERIMENT).is_file():
        return load_trained(path)
    run = read_run(path)
    return run.model(next(iter(run.diagnoses)))
