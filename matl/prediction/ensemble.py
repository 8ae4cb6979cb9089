"""The models that score together, and what their validation scores say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from matl.errors import MatlError
from matl.evaluation.class_metrics import labels_and_scores
from matl.evaluation.metrics import patient_codes
from matl.evaluation.statistics.calibration import fit_temperature
from matl.evaluation.statistics.conformal import ConformalSets, fit_conformal
from matl.files import file_digest
from matl.names import SCORES
from matl.orchestrator.finished_run import member_folders
from matl.orchestrator.resources import visible_gpus
from matl.orchestrator.scoring import averaged, read_scores
from matl.prediction.scoring import Scored, mean_of, of_both, score_files
from matl.trained import TrainedModel, load_trained


@dataclass(frozen=True)
class Ensemble:
    """Diagnoses of the same classes, whose probabilities are averaged.

    Attributes:
        members: The models.
        folders: Of each one's stage.
        validation: Their mean scores of the validation split, None where there are none.
        without: Why there are none.
        device: What they compute on.
    """

    members: Sequence[TrainedModel]
    folders: Sequence[Path]
    validation: pd.DataFrame | None
    without: str
    device: torch.device

    @property
    def classes(self) -> tuple[str, ...]:
        """Of two the rest and the positive class."""
        return self.members[0].classes

    @property
    def positive(self) -> str | None:
        """The class that a score is the probability of; None where there is one of each class."""
        return self.members[0].positive

    def score(self, files: Sequence[Path]) -> list[Scored | str]:
        """What the models say of some files, or why one cannot be read, in the files' order."""
        parts = [score_files(model, files, self.device) for model in self.members]
        return [mean_of(ones) for ones in zip(*parts, strict=True)]

    def temperature(self) -> float:
        """The temperature of the report, fitted on the validation split.

        Raises:
            ValueError: There is none.
        """
        if self.positive is None:
            raise ValueError("a temperature is fitted for two classes alone")
        if self.validation is None:
            raise ValueError(self.without)
        scores = self.validation
        return fit_temperature(scores["label"].to_numpy(), scores["score"].to_numpy())

    def conformal(self, coverage: float) -> tuple[ConformalSets, list[str]]:
        """Which classes are possible at a coverage, fitted on the validation split by persons.

        Returns:
            The sets, and what a reader should know of them.

        Raises:
            ValueError: There is no validation split, or one of too few persons.
        """
        if self.validation is None:
            raise ValueError(self.without)
        label, probabilities = self._validated(self.validation)
        sets = fit_conformal(label, probabilities, patient_codes(self.validation), coverage)
        low, high = sets.interval()
        notes = [
            f"sets of possible classes: all images of at least {coverage:.0%} of new persons have "
            f"their class in their sets, on average over validation splits; with these "
            f"{sets.persons} persons it is between {low:.0%} and {high:.0%} (95 %), if new persons "
            "are like them"
        ]
        if (self.validation["patient"] == self.validation["image"]).all():
            notes.append("no patients are named in the validation split: an image is a person")
        return sets, notes

    def _validated(self, scores: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        if self.positive is None:
            return labels_and_scores(scores, self.classes)
        return scores["label"].to_numpy(), of_both(scores["score"].to_numpy())


def load_ensemble(models: Sequence[str | Path], store: Path | None = None) -> Ensemble:
    """Loads diagnoses that are to score together.

    Args:
        models: Folders as of `matl.load_model`; of a run, the diagnoses of all its seeds.
        store: Of runs: holds their stages; by default it is looked for beside each.

    Raises:
        MatlError: One is missing, damaged or no diagnosis, is named twice, or tells other classes
            apart.
    """
    named = [(model, one) for model in models for one in member_folders(Path(model), store)]
    folders = [folder for _, folder in named]
    members = [load_trained(folder) for folder in folders]
    if not members:
        raise MatlError("no model is named; name the folder of a run or of a stage")
    first = members[0]
    for (path, _), one in zip(named, members, strict=True):
        if not one.diagnoses:
            raise MatlError(f"{path}: is the stage {one.manifest.stage}, which is no diagnosis")
        if (one.classes, one.positive) != (first.classes, first.positive):
            raise MatlError(
                f"{path}: tells {_apart(one)}, and {models[0]} {_apart(first)}; an ensemble needs "
                "the same classes"
            )
    if len({one.manifest.fingerprint for one in members}) < len(members):
        raise MatlError("a model is named twice, so that it would count twice; name it once")
    device = torch.device("cuda", 0) if visible_gpus() else torch.device("cpu")
    for one in members:
        one.stage.to(device)
    return Ensemble(members, folders, *_validation(folders, members), device)


def _apart(model: TrainedModel) -> str:
    if model.positive is None:
        return f"{', '.join(model.classes)} apart"
    return f"{model.positive} from {model.classes[0]}"


def _validation(
    folders: Sequence[Path], members: Sequence[TrainedModel]
) -> tuple[pd.DataFrame | None, str]:
    """The mean of the members' validation scores, or None and why there is none."""
    tables = []
    for folder, model in zip(folders, members, strict=True):
        file = folder / SCORES
        if not file.is_file():
            return None, f"{folder} has no {SCORES}"
        if file_digest(file) != model.manifest.sha256.get(SCORES):
            raise MatlError(f"{file}: is damaged: its SHA-256 is not that of the manifest")
        scores = read_scores(file)
        tables.append(scores[scores["split"] == "val"].reset_index(drop=True))
    if not len(tables[0]):
        return None, "the model has no validation split"
    if any(
        model.manifest.identity["data"] != members[0].manifest.identity["data"] for model in members
    ):
        return None, "the models were trained and validated on different images"
    return averaged(tables), ""
