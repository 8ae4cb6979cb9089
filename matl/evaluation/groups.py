"""Scores by source."""

from dataclasses import dataclass

import pandas as pd

from matl.evaluation.metrics import Estimate, check_scores, summarise


@dataclass(frozen=True)
class SourceResult:
    """The metrics of one source's images.

    Attributes:
        source: The data set's name.
        images: How many images were scored.
        patients: How many patients they are of.
        positives: How many images are of the positive class.
        metrics: An estimate for each name in `matl.evaluation.metrics.METRICS`.
    """

    source: str
    images: int
    patients: int
    positives: int
    metrics: dict[str, Estimate]


def by_source(scores: pd.DataFrame) -> list[SourceResult]:
    """The metrics of each source alone, in the order of their names.

    Args:
        scores: As in `matl.evaluation.metrics.check_scores`, of one split.

    Raises:
        ValueError: As in `matl.evaluation.metrics.summarise`.
    """
    return [
        SourceResult(
            source=str(source),
            images=len(part),
            patients=part["patient"].nunique(),
            positives=int(part["label"].sum()),
            metrics=summarise(part),
        )
        for source, part in check_scores(scores).groupby("source")
    ]
