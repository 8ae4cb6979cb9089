"""The tables of a prediction: one row per image, and one per study and patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matl.evaluation.class_metrics import PROBABILITY
from matl.evaluation.joining import join_scores
from matl.evaluation.metrics import THRESHOLD
from matl.evaluation.statistics.calibration import apply_temperature
from matl.evaluation.statistics.conformal import ConformalSets
from matl.prediction.inputs import PATIENT, STUDY, ImageFile
from matl.prediction.scoring import of_both

IMAGE, SCORE, CALIBRATED, CALLED = "image", "score", "calibrated", "class"
POSSIBLE, ABSTAINS, ABSTAINING = "possible", "abstains", "abstaining"


@dataclass(frozen=True)
class Meaning:
    """What probabilities are read as.

    Attributes:
        classes: Names; of two the rest and the positive class.
        positive: The class that a score is the probability of; None where there is one of each.
        temperature: What scores are calibrated with, None where there is none.
        sets: Which classes are possible, None where nobody asked.
        join: How the scores of a study's or a patient's images become one; see
            `matl.evaluation.joining.join_scores`.
    """

    classes: Sequence[str]
    positive: str | None
    temperature: float | None
    sets: ConformalSets | None
    join: str

    def called(self, probabilities: np.ndarray) -> np.ndarray:
        """The class at the threshold, or the likeliest of several, of float [N, K]: text [N]."""
        if self.positive is None:
            places = probabilities.argmax(axis=1)
        else:
            places = (probabilities[:, 1] >= THRESHOLD).astype(int)
        return np.array(self.classes, dtype=object)[places]

    def scores(self, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of the scores: `score`, or `score_<class>` of each of several classes."""
        if self.positive is not None:
            return {SCORE: probabilities[:, 1]}
        return {PROBABILITY + one: probabilities[:, at] for at, one in enumerate(self.classes)}

    def abstentions(self, probabilities: np.ndarray) -> dict[str, list[str]]:
        """The columns of the possible classes, joined by "|", and why a model abstains."""
        if self.sets is None:
            return {}
        names = [
            [one for one, possible in zip(self.classes, row, strict=True) if possible]
            for row in self.sets.possible(probabilities)
        ]
        return {
            POSSIBLE: ["|".join(one) for one in names],
            ABSTAINS: [self._reason(one) for one in names],
        }

    def _reason(self, possible: Sequence[str]) -> str:
        assert self.sets is not None
        if len(possible) == 1:
            return ""
        said = f"{len(possible)} classes are" if possible else "no class is"
        return f"{said} possible at coverage {self.sets.coverage:g}"


def image_table(
    files: Sequence[ImageFile], probabilities: np.ndarray, meaning: Meaning
) -> pd.DataFrame:
    """One row per image.

    Args:
        files: The images.
        probabilities: Of each class, float64 [N, K].
        meaning: What they are read as.

    Returns:
        `image` (path), `patient` and `study` where some image names one, `score` (probability of
        the positive class, in [0, 1]; of several classes `score_<class>` of each), `calibrated`
        (at the temperature, where there is one), `class`, and, where sets are asked for, `possible`
        and `abstains` (the reason, "" where there is none).
    """
    table = pd.DataFrame({IMAGE: [one.path for one in files]})
    for what in (PATIENT, STUDY):
        if any(given := [getattr(one, what) for one in files]):
            table[what] = given
    table = table.assign(**meaning.scores(probabilities))
    if meaning.temperature is not None:
        table[CALIBRATED] = apply_temperature(probabilities[:, 1], meaning.temperature)
    table[CALLED] = meaning.called(probabilities)
    return table.assign(**meaning.abstentions(probabilities))


def group_table(images: pd.DataFrame, unit: str, meaning: Meaning) -> pd.DataFrame | None:
    """The joined scores of each study or patient, and their class; None where none is named.

    Args:
        images: Of `image_table`.
        unit: `patient`, or `study`: then of one patient, where patients are named.
        meaning: What scores are read as.

    Returns:
        `patient` and `study`, `images` (their number), the images' scores and `calibrated`, joined
        as the meaning says, `class` by the joined score, and `abstaining` (the number of images)
        where sets were asked for.
    """
    if unit not in images:
        return None
    keys = [one for one in (PATIENT, STUDY) if one in images and one in (unit, PATIENT)]
    named = images[images[unit] != ""]
    groups = named.groupby(keys, sort=False)
    images_of = groups.size()
    columns = list(meaning.scores(np.zeros((0, len(meaning.classes)))))
    extra = [CALIBRATED] if CALIBRATED in images else []
    parts = {
        name: join_scores(named, keys, name, meaning.join).reindex(images_of.index)
        for name in columns + extra
    }
    table = pd.DataFrame({"images": images_of, **parts})
    means = table[columns].to_numpy()
    table[CALLED] = meaning.called(means if meaning.positive is None else of_both(means[:, 0]))
    if ABSTAINS in images:
        table[ABSTAINING] = groups[ABSTAINS].agg(lambda reasons: int((reasons != "").sum()))
    return table.reset_index()
