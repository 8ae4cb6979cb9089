"""Files to predictions: what `matl predict` does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import matl
from data_modules.formats.images import GREY
from matl.errors import MatlError
from matl.evaluation.joining import MEAN, check_join
from matl.evaluation.metrics import THRESHOLD
from matl.evaluation.statistics.conformal import ConformalSets
from matl.names import OVERLAYS
from matl.orchestrator.finished_run import joining_of
from matl.prediction.ensemble import Ensemble, load_ensemble
from matl.prediction.inputs import PATIENT, STUDY, ImageFile, find_inputs
from matl.prediction.result import Prediction
from matl.prediction.scoring import Scored
from matl.prediction.tables import Meaning, group_table, image_table
from matl.prediction.write import clear_folder, refuse_folder, write_prediction

BATCH = 32
OVERLAY = "overlay"
Paths = str | Path | Sequence[str | Path]


def predict(
    models: Paths,
    paths: Paths,
    out: str | Path | None = None,
    coverage: float | None = None,
    explain: bool = False,
    command: str = "",
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    join: str | None = None,
) -> Prediction:
    """Scores image files by a trained diagnosis, or by the mean of several.

    Neither labels nor training images are needed, and no file is read but for its pixels. Images
    are read in batches, so that memory does not grow with their number.

    Args:
        models: The folder of a run, of a diagnosis in a store, or a copy of one; or several. Of a
            run with an ensemble, the models of all its seeds are averaged.
        paths: Image files, scans, folders (with all below them), and CSV tables with a column
            `path` and maybe `patient` and `study`; one or several.
        out: The folder to write to; None writes nothing.
        coverage: The share of new persons, in (0, 1), all of whose images are to have their class
            in their sets of possible ones; a model abstains where it is not one class. None asks
            for no sets.
        explain: Whether to write Grad-CAM overlays into `out`.
        command: The user's command, for the record.
        store: Of runs: holds their stages; by default it is looked for beside each.
        progress: Called with the number of files scored and of all, after each batch.
        join: How the scores of a study's or a patient's images become one; see
            `matl.evaluation.joining.join_scores`. None takes the first model's setting.

    Raises:
        MatlError: A model is missing, damaged or no diagnosis; they tell other classes apart; there
            is no image, or none can be read; `out` holds something else; or there are too few
            validation persons for the coverage.
        DataError: A folder cannot be listed, or a table is none.

    Example:
        >>> found = matl.predict("runs/demo-1a2b3c4d", "scans", out="predictions")
        >>> found.images[["image", "score", "class"]]
    """
    models, paths = _listed(models), _listed(paths)
    folder = None if out is None else Path(out)
    ensemble = load_ensemble(models, store)
    if explain:
        _refuse_overlays(ensemble, folder)
    join = _checked_join(join or joining_of(Path(models[0]), store), ensemble)
    meaning, about, notes = _meaning(ensemble, coverage, join)
    about = {"command": command, **_about(ensemble), **about}
    if folder is not None:
        refuse_folder(folder)
    inputs = find_inputs(paths, folder, grey=set(ensemble.members[0].levels) == {GREY})
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)  # before hours of scoring
    files, scored, unreadable = _score(ensemble, inputs.files, progress)
    images = image_table(files, np.stack([one.probabilities for one in scored]), meaning)
    notes = [*inputs.notes, *_image_notes(scored, unreadable), *_mean_notes(ensemble), *notes]
    if folder is not None:
        clear_folder(folder, about)
    if explain and folder is not None:
        notes += _add_overlays(ensemble, files, folder, images)
    studies, patients = (group_table(images, unit, meaning) for unit in (STUDY, PATIENT))
    found = Prediction(images, studies, patients, unreadable, notes, about, folder)
    if folder is not None:
        write_prediction(found, folder)
    return found


def _listed(one: Paths) -> list[str | Path]:
    return [one] if isinstance(one, str | Path) else list(one)


def _refuse_overlays(ensemble: Ensemble, folder: Path | None) -> None:
    """Refuses Grad-CAM of what it does not explain."""
    if folder is None:
        raise MatlError("explain: needs a folder to write overlays to; name it by out")
    if len(ensemble.members) > 1:
        raise MatlError(
            "--explain: shows where one network looks; name one model, such as "
            f"{ensemble.folders[0]}"
        )
    if ensemble.positive is None:
        raise MatlError(
            f"--explain: shows what speaks for a positive class, and the diagnosis is multi-class "
            f"({', '.join(ensemble.classes)}); leave it out"
        )


def _checked_join(join: str, ensemble: Ensemble) -> str:
    try:
        check_join(join)
    except ValueError as error:
        raise MatlError(f"--join: {error}") from error
    if join != MEAN and ensemble.positive is None:
        raise MatlError(
            f"--join {join}: is for two classes, and the diagnosis is multi-class "
            f"({', '.join(ensemble.classes)}): its probabilities are joined by {MEAN}"
        )
    return join


def _meaning(
    ensemble: Ensemble, coverage: float | None, join: str
) -> tuple[Meaning, dict[str, Any], list[str]]:
    """What probabilities are read as, for the record and in words."""
    temperature, notes = None, []
    try:
        temperature = ensemble.temperature()
        notes = [f"calibrated: at the temperature {temperature:.3g}, of the validation split"]
    except ValueError as error:
        notes = [f"scores are not calibrated: {error}"]
    sets = None
    about: dict[str, Any] = {"temperature": temperature, "coverage": None, "join": join}
    if coverage is not None:
        sets, said = _sets(ensemble, coverage)
        low, high = sets.interval()
        about["coverage"] = {
            "wanted": coverage,
            "persons": sets.persons,
            "low": low,
            "high": high,
            "largest_non_conformity": sets.largest,
        }
        notes += said
    return Meaning(ensemble.classes, ensemble.positive, temperature, sets, join), about, notes


def _sets(ensemble: Ensemble, coverage: float) -> tuple[ConformalSets, list[str]]:
    if not 0 < coverage < 1:
        raise MatlError(f"--coverage {coverage:g}: is a share between 0 and 1, such as 0.9")
    try:
        return ensemble.conformal(coverage)
    except ValueError as error:
        raise MatlError(
            f"--coverage {coverage:g}: {error}; ask for less, or leave it out"
        ) from error


def _score(
    ensemble: Ensemble,
    files: Sequence[ImageFile],
    progress: Callable[[int, int], None] | None,
) -> tuple[list[ImageFile], list[Scored], list[tuple[str, str]]]:
    """The files that can be used, what the models say of them, and why others cannot.

    Raises:
        MatlError: None can be used.
    """
    used, scored, unreadable = [], [], []
    for start in range(0, len(files), BATCH):
        part = files[start : start + BATCH]
        found = ensemble.score([Path(one.path) for one in part])
        for file, one in zip(part, found, strict=True):
            if isinstance(one, str):
                unreadable.append((file.path, one.splitlines()[0]))
            else:
                used.append(file)
                scored.append(one)
        if progress is not None:
            progress(start + len(part), len(files))
    if not used:
        lines = "".join(f"\n  {path}: {reason}" for path, reason in unreadable)
        raise MatlError(f"none of {len(files)} files can be used:{lines}")
    return used, scored, unreadable


def _image_notes(scored: Sequence[Scored], unreadable: Sequence[tuple[str, str]]) -> list[str]:
    """What is wrong or odd with some images, counted."""
    notes = []
    if unreadable:
        notes.append(
            f"WARNING: {len(unreadable)} of {len(unreadable) + len(scored)} files cannot be used, "
            "and have no prediction"
        )
    if enlarged := sum(one.enlarged for one in scored):
        notes.append(
            f"WARNING: {enlarged} of {len(scored)} images are smaller than what the network looks "
            "at, and were enlarged"
        )
    if flat := sum(one.flat for one in scored):
        notes.append(f"WARNING: {flat} of {len(scored)} images have hardly any contrast")
    return notes


def _mean_notes(ensemble: Ensemble) -> list[str]:
    models = len(ensemble.members)
    return [f"scores are the mean of {models} models"] if models > 1 else []


def _add_overlays(
    ensemble: Ensemble, files: Sequence[ImageFile], folder: Path, images: pd.DataFrame
) -> list[str]:
    """Writes the overlays and names each image's in a column; returns what to know of them."""
    from matl.prediction.overlays import write_overlays  # imports matplotlib

    seen = [Path(one.path) for one in files]
    names, notes = write_overlays(ensemble.members[0], seen, folder / OVERLAYS, ensemble.device)
    images[OVERLAY] = [f"{OVERLAYS}/{name}" for name in names]
    return notes


def _about(ensemble: Ensemble) -> dict[str, Any]:
    models = [
        {
            "fingerprint": one.manifest.fingerprint,
            "experiment": one.manifest.experiment,
            "stage": one.manifest.stage,
            "data": one.manifest.data,
        }
        for one in ensemble.members
    ]
    return {
        "matl": matl.__version__,
        "models": models,
        "classes": list(ensemble.classes),
        "positive": ensemble.positive,
        "threshold": None if ensemble.positive is None else THRESHOLD,
    }
