"""Scores of several models of three classes and more, and what is computed from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from matl.evaluation.class_metrics import (
    CLASS,
    CLASS_METRICS,
    KAPPA,
    PROBABILITY,
    ClassResult,
    check_class_scores,
    confusion_counts,
    labels_and_scores,
    summarise_classes,
)
from matl.evaluation.joining import MEAN, Unit, class_by_unit
from matl.evaluation.metrics import Estimate, patient_codes
from matl.evaluation.scored import Result, ScoredModels
from matl.evaluation.statistics.clustered import (
    Difference,
    macro_auroc_difference,
    rights_difference,
)


@dataclass(frozen=True)
class MultiClassResult(Result):
    """The metrics of one model on one split.

    Attributes:
        counts: How many images are of each class.
    """

    counts: dict[str, int]


@dataclass(frozen=True)
class ClassesSource:
    """The metrics of one source's images.

    Attributes:
        source: The data set's name.
        images: How many images were scored.
        patients: How many patients they are of.
        metrics: As of a `MultiClassResult`.
    """

    source: str
    images: int
    patients: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True, eq=False)
class MultiClassScored(ScoredModels[MultiClassResult, ClassesSource]):
    """What several models scored for every class.

    Attributes:
        models: Scores by the row's name, as
            `matl.evaluation.class_metrics.check_class_scores` returns them.
        classes: Their names; where they are ordered, in that order.
        ordered: Whether the classes have an order.

    Raises:
        ValueError: Where scores are invalid, or to be joined by other than their mean.
    """

    classes: tuple[str, ...]
    ordered: bool = False
    label_column = CLASS
    result_kind = MultiClassResult
    source_kind = ClassesSource

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.join != MEAN:
            raise ValueError(f"probabilities of several classes are joined by {MEAN} alone")

    @property
    def titles(self) -> Mapping[str, str]:
        """`CLASS_METRICS`, and the kappa of ordered classes."""
        return CLASS_METRICS | (KAPPA if self.ordered else {})

    def about(self) -> dict[str, Any]:
        """The classes, and whether they are ordered."""
        return {"classes": list(self.classes), "ordered": self.ordered}

    def counts(self, result: MultiClassResult) -> dict[str, int]:
        """In the order of the classes."""
        return result.counts

    def checked(self, table: pd.DataFrame) -> pd.DataFrame:
        """See `matl.evaluation.class_metrics.check_class_scores`."""
        return check_class_scores(table, self.classes)

    def once_a_unit(self, unit: Unit) -> Mapping[str, pd.DataFrame]:
        """The means of the probabilities; what has several classes is left out."""
        columns = [PROBABILITY + name for name in self.classes]
        return {
            name: class_by_unit(table, unit, CLASS, columns) for name, table in self.models.items()
        }

    def classes_alone(self, split: str, unit: Unit = "image") -> dict[str, list[ClassResult]]:
        """The result of each class by model."""
        return self._kept(
            ("classes", split, unit),
            lambda: {
                name: self._summary(name, split, unit)[1] for name in self.tables(split, unit)
            },
        )

    def confusions(self, split: str, unit: Unit = "image") -> dict[str, list[list[int]]]:
        """How many images of each class (rows) were called each class (columns), by model."""
        return {
            name: confusion_counts(table, self.classes).tolist()
            for name, table in self.tables(split, unit).items()
        }

    def _summary(
        self, model: str, split: str, unit: Unit
    ) -> tuple[dict[str, Estimate], list[ClassResult]]:
        table = self.tables(split, unit)[model]
        return self._kept(
            ("summary", model, split, unit),
            lambda: summarise_classes(table, self.classes, self.ordered),
        )

    def _result(self, model: str, split: str, unit: Unit) -> MultiClassResult:
        table = self.tables(split, unit)[model]
        patients = table.groupby(["source", "patient"]).ngroups
        counts = {name: int((table[CLASS] == name).sum()) for name in self.classes}
        metrics, _ = self._summary(model, split, unit)
        return MultiClassResult(model, split, len(table), patients, metrics, counts)

    def _differences(
        self, one: pd.DataFrame, other: pd.DataFrame
    ) -> tuple[Difference | None, Difference]:
        label, first = labels_and_scores(one, self.classes)
        _, second = labels_and_scores(other, self.classes)
        patients = patient_codes(one)
        right = [scores.argmax(1) == label for scores in (first, second)]
        every = len(np.unique(label)) == len(self.classes)
        auroc = macro_auroc_difference(label, first, second, patients) if every else None
        return auroc, rights_difference(right[0], right[1], patients)

    def _by_source(self, table: pd.DataFrame) -> list[ClassesSource]:
        return [
            ClassesSource(
                str(source),
                len(part),
                part["patient"].nunique(),
                summarise_classes(part, self.classes, self.ordered)[0],
            )
            for source, part in table.groupby("source")
        ]
