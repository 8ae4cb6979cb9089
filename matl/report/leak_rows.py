"""The rows beside the test split's: the same scores without the images of persons who leak."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from matl.evaluation.joining import Unit
from matl.evaluation.paired import Paired
from matl.evaluation.scored import ScoredModels
from matl.report.words import counted

AnyScored = TypeVar("AnyScored", bound=ScoredModels)
WITHOUT_LEAKS = "without leaking images"
WHO_LEAKS = "in another split, too, or with an image that is nearly identical to one there"


def all_results(scored: ScoredModels, split: str, unit: Unit = "image") -> list[Any]:
    """The metrics of each model on a split, then those without the images that leak."""
    clean = _clean(scored, split)
    own = [] if clean is None else clean.results(split, unit)
    named = [replace(one, model=f"{one.model}, {WITHOUT_LEAKS}") for one in own]
    return [*scored.results(split, unit), *named]


def all_paired(scored: ScoredModels, split: str) -> list[Paired]:
    """The differences of the models on a split, then those without the images that leak."""
    clean = _clean(scored, split)
    own = [] if clean is None else clean.paired(split)
    named = [replace(one, second=f"{one.second}, {WITHOUT_LEAKS}") for one in own]
    return [*scored.paired(split), *named]


def own_test_split(scored: AnyScored) -> list[tuple[str, AnyScored]]:
    """What was scored on a run's own test split, by what a table of several sets calls it."""
    clean = scored.without_leaks()
    named = [] if clean is None else [(f"own test split, {WITHOUT_LEAKS}", clean)]
    return [("own test split", scored), *named]


def leak_caption(scored: ScoredModels, split: str) -> Sequence[str]:
    """What the rows without leaks are of, a sentence; nothing where nobody leaks."""
    clean = _clean(scored, split)
    if clean is None:
        return []
    out, left = scored.leaks(), clean.results(split)
    rest = f"; left are {counted(clean, left[0])}" if left else "; none is left"
    return [
        f"{WITHOUT_LEAKS.capitalize()}: the same scores without {out.images:,} test images of "
        f"{out.patients:,} {'person' if out.patients == 1 else 'persons'} {WHO_LEAKS}{rest}."
    ]


def _clean(scored: ScoredModels, split: str) -> ScoredModels | None:
    return scored.without_leaks() if split == "test" else None
