"""The scores of a study's or a patient's images, joined to one.

With noisy-or an image's score p is the chance that it alone shows the finding, and images err
independently: 1 - (1 - p1)(1 - p2)... (Pearl, "Probabilistic Reasoning in Intelligent Systems",
1988). As neighbouring slices err together, it lies too high: it ranks, and is no probability.
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

Unit = Literal["image", "study", "patient"]
STUDY = "study"
MEAN, MAX, NOISY_OR = "mean", "max", "noisy_or"
JOINS = (MEAN, MAX, NOISY_OR)
HOW = "write mean, max, noisy_or, or top_3 for the mean of the 3 highest"
_TOP = re.compile(r"top_([1-9]\d{0,8})")
_KEYS = {
    "study": ["source", "patient", STUDY, "split"],
    "patient": ["source", "patient", "split"],
}


def check_join(join: str) -> None:
    """Checks how scores are joined.

    Raises:
        ValueError: It is none of `mean`, `max`, `noisy_or` and `top_3` with any count.
    """
    if join not in JOINS and not _TOP.fullmatch(join):
        raise ValueError(f"{join!r} joins no scores; {HOW}")


def join_scores(scores: pd.DataFrame, keys: Sequence[str], column: str, join: str) -> pd.Series:
    """One score for each group of rows, in the groups' sorted order.

    Args:
        scores: One row per image.
        keys: The columns whose values a group shares.
        column: Of the scores, in [0, 1].
        join: `mean`, `max`, `noisy_or`, or `top_3`, the mean of the 3 highest; of all where a group
            has fewer.

    Raises:
        ValueError: As of `check_join`.
    """
    check_join(join)
    if join in (MEAN, MAX):
        return scores.groupby(list(keys))[column].agg(join)
    if join == NOISY_OR:
        complements = scores.assign(**{column: 1 - scores[column]})
        return 1 - complements.groupby(list(keys))[column].prod()
    ranked = scores.sort_values(column, ascending=False, kind="stable")
    highest = ranked.groupby(list(keys)).head(_count(join))
    return highest.groupby(list(keys))[column].mean()


def by_unit(table: pd.DataFrame, unit: Unit, join: str = MEAN) -> pd.DataFrame:
    """Scores of two classes with one row per study or patient, under the name of its first image.

    It is positive where any of its images is.

    Args:
        table: As `matl.evaluation.metrics.check_scores` returns it.
        unit: `study` (an image that names none is its own), or `patient`.
        join: As of `join_scores`.
    """
    table, keys = with_own_studies(table), _KEYS[unit]
    groups = table.groupby(keys)
    joined = groups.agg(image=("image", "min"), label=("label", "max"))
    return joined.assign(score=join_scores(table, keys, "score", join)).reset_index()


def class_by_unit(
    table: pd.DataFrame, unit: Unit, label: str, probabilities: Sequence[str]
) -> pd.DataFrame:
    """The same of several classes: the means of the probabilities, without units of two classes.

    Args:
        table: As `matl.evaluation.class_metrics.check_class_scores` returns it.
        unit: As of `by_unit`.
        label: The column of the classes.
        probabilities: The columns of the scores.
    """
    table, keys = with_own_studies(table), _KEYS[unit]
    alike = table[table.groupby(keys)[label].transform("nunique") == 1]
    means = dict.fromkeys(probabilities, MEAN)
    return alike.groupby(keys, as_index=False).agg({"image": "min", label: "first", **means})


def count_units(table: pd.DataFrame, unit: Unit) -> int:
    """How many images, studies or patients scores are of."""
    return len(table) if unit == "image" else with_own_studies(table).groupby(_KEYS[unit]).ngroups


def count_mixed(table: pd.DataFrame, unit: Unit, label: str) -> int:
    """How many studies or patients have images of several labels."""
    kinds = with_own_studies(table).groupby(_KEYS[unit])[label].nunique()
    return int((kinds > 1).sum())


def with_own_studies(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a study for every image: an image that names none is its own."""
    if STUDY not in table:
        return table.assign(**{STUDY: table["image"]})
    return table.assign(**{STUDY: np.where(table[STUDY] == "", table["image"], table[STUDY])})


def join_in_words(join: str) -> str:
    """What a joined score is of the images' scores, as in "the mean of its images' scores"."""
    if join == NOISY_OR:
        return "the noisy-or of its images' scores"
    if join in (MEAN, MAX):
        return f"the {'highest' if join == MAX else join} of its images' scores"
    return f"the mean of the {_count(join)} highest of its images' scores"


def _count(join: str) -> int:
    """Of how many scores `top_3` takes the mean."""
    return int(join.removeprefix("top_"))
