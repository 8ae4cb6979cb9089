"""Confusion at the threshold that the metrics use."""

from collections.abc import Iterator
from dataclasses import dataclass

from matl.evaluation.metrics import THRESHOLD, Estimate
from matl.report.run_record import RunRecord


@dataclass(frozen=True)
class Confusion:
    """How a model called the images, or the patients, of a split.

    Attributes:
        model: The row's name ("chain", "scratch", "floor").
        counts: Numbers by (truly positive, called positive).
        sensitivity: With its interval.
        specificity: With its interval.
    """

    model: str
    counts: dict[tuple[bool, bool], int]
    sensitivity: Estimate
    specificity: Estimate


def confusions(record: RunRecord, split: str) -> Iterator[Confusion]:
    """The confusion of each diagnosis of a run on a split, in the order of `diagnoses`."""
    scores = record.scores(split)
    for result in record.results(split):
        table = scores[result.model]
        called = (table["score"] >= THRESHOLD).astype(bool)
        truly = table["label"] == 1
        counts = {
            (true, call): int(((truly == true) & (called == call)).sum())
            for true in (True, False)
            for call in (True, False)
        }
        rates = (result.metrics[name] for name in ("sensitivity", "specificity"))
        yield Confusion(result.model, counts, *rates)
