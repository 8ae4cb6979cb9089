"""Scores of several models of three classes and more, and what is computed from them."""

from collections.abc import Iterator, Mapping
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
from matl.evaluation.metrics import Estimate, patient_codes
from matl.evaluation.scored import UNITS, Result, ScoredModels, Unit
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
        ValueError: Where scores are invalid.
    """

    classes: tuple[str, ...]
    ordered: bool = False
    result_kind = MultiClassResult
    source_kind = ClassesSource

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

    def once_a_patient(self) -> Mapping[str, pd.DataFrame]:
        """The mean of each patient's probabilities; who has several classes is left out."""
        return {name: by_patient(table) for name, table in self.models.items()}

    def left_out(self, split: str) -> int:
        """How many patients are left out where each counts once, of the first model."""
        every, alike = (
            {
                person
                for one in list(self.tables(split, unit).values())[:1]
                for person in _people(one)
            }
            for unit in UNITS
        )
        return len(every - alike)

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


def _people(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    return zip(table["source"], table["patient"], strict=True)


def by_patient(table: pd.DataFrame) -> pd.DataFrame:
    """Checked scores with one row per patient, under the name of its first image.

    A patient's probabilities are the means of its images'; patients whose images are of several
    classes are left out.
    """
    keys = ["source", "patient", "split"]
    alike = table[table.groupby(keys)[CLASS].transform("nunique") == 1]
    means = {name: "mean" for name in table.columns if name.startswith(PROBABILITY)}
    groups = alike.groupby(keys, as_index=False)
    return groups.agg({"image": "min", CLASS: "first", **means})
