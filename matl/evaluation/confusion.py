"""Confusion at the threshold that the metrics use."""

from dataclasses import dataclass

from matl.evaluation.joining import Unit
from matl.evaluation.metrics import THRESHOLD, Estimate
from matl.evaluation.scored import Scored


@dataclass(frozen=True)
class Confusion:
    """How a model called the images, studies or patients of a split.

    Attributes:
        model: The row's name, as in `matl.report.rows`.
        counts: Numbers by (truly positive, called positive).
        sensitivity: With its interval.
        specificity: With its interval.
    """

    model: str
    counts: dict[tuple[bool, bool], int]
    sensitivity: Estimate
    specificity: Estimate


def confusions(scored: Scored, split: str, unit: Unit = "image") -> list[Confusion]:
    """The confusion of each model on a split, by image, study or patient."""
    found, tables = [], scored.tables(split, unit)
    for result in scored.results(split, unit):
        table = tables[result.model]
        called = (table["score"] >= THRESHOLD).astype(bool)
        truly = table["label"] == 1
        counts = {
            (true, call): int(((truly == true) & (called == call)).sum())
            for true in (True, False)
            for call in (True, False)
        }
        rates = (result.metrics[name] for name in ("sensitivity", "specificity"))
        found.append(Confusion(result.model, counts, *rates))
    return found
