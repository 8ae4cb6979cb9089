"""Which of images, studies and patients are counted in a split, where each says something new."""

from matl.evaluation.joining import STUDY, Unit, count_mixed, count_units
from matl.evaluation.scored import ScoredModels

JOINED_UNITS: tuple[Unit, ...] = ("study", "patient")


def units_of(scored: ScoredModels, split: str) -> list[Unit]:
    """Images, and those of studies and patients of which one has several images.

    Studies are left out where each patient has one, as they are the patients then.
    """
    counts = [
        [count_units(table, unit) for unit in ("image", *JOINED_UNITS)]
        for table in scored.tables(split).values()
    ]
    units: list[Unit] = ["image"]
    if has_volumes(scored, split) and any(one > other for _, one, other in counts):
        units.append("study")
    if any(one > other for one, _, other in counts):
        units.append("patient")
    return units


def has_volumes(scored: ScoredModels, split: str) -> bool:
    """Whether a study has several images in a split."""
    return any(
        STUDY in table and count_units(table, "study") < len(table)
        for table in scored.tables(split).values()
    )


def mixed_units(scored: ScoredModels, split: str, unit: Unit) -> int:
    """How many studies or patients of the first model have images of several labels."""
    first = list(scored.tables(split).values())[:1]
    return sum(count_mixed(table, unit, scored.label_column) for table in first)
