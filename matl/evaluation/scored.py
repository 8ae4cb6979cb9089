"""Scores of several models with their classes, and what is computed from them, each number once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import pandas as pd

from matl.evaluation.groups import SourceResult, by_source
from matl.evaluation.joining import (
    MEAN,
    Unit,
    by_unit,
    check_join,
)
from matl.evaluation.metrics import METRICS, Estimate, check_scores, summarise
from matl.evaluation.paired import Paired, differences, paired
from matl.evaluation.statistics.calibration import Calibration, calibrate
from matl.evaluation.statistics.clustered import Difference

EVALUATED_SPLITS = ("test", "val")


class Leaks(NamedTuple):
    """How much of the test split leaks.

    Attributes:
        images: Test images that were scored and are of a leaking person.
        patients: Whose they are.
    """

    images: int
    patients: int


@dataclass(frozen=True)
class Result:
    """The metrics of one model on one split.

    Attributes:
        model: The row's name, as in `matl.report.rows`.
        split: "test" or "val".
        images: How many images were scored.
        patients: How many patients they are of.
        metrics: An estimate for each metric by its name.
    """

    model: str
    split: str
    images: int
    patients: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class ModelResult(Result):
    """The metrics of one model of two classes; see `matl.evaluation.metrics.METRICS`.

    Attributes:
        positives: How many images are of the positive class.
    """

    positives: int


AnyResult = TypeVar("AnyResult", bound=Result)
AnySource = TypeVar("AnySource")


@dataclass(frozen=True, eq=False)
class ScoredModels(ABC, Generic[AnyResult, AnySource]):
    """What several models scored, and what follows from it, whatever the classes.

    Every number is computed when it is first asked for, and kept.

    Attributes:
        models: Checked scores by the row's name; each may hold all splits.
        leaking: The (source, patient) of each person of the test split who is in another split,
            too, or has an image that is nearly identical to one of another split.
        join: How the scores of a study's or a patient's images become one; see
            `matl.evaluation.joining.join_scores`.
        known: What was computed before, by the method and its arguments.
        label_column: Of the scores' tables.
        result_kind: What `results` lists.
        source_kind: What `sources` lists.

    Raises:
        ValueError: Where scores, or how they are joined, are invalid.
    """

    models: Mapping[str, pd.DataFrame]
    leaking: frozenset[tuple[str, str]] = field(default=frozenset(), kw_only=True)
    join: str = field(default=MEAN, kw_only=True)
    known: dict[Hashable, Any] = field(default_factory=dict, repr=False, kw_only=True)
    label_column: ClassVar[str]
    result_kind: ClassVar[type]
    source_kind: ClassVar[type]

    def __post_init__(self) -> None:
        check_join(self.join)
        checked = {name: self.checked(table) for name, table in self.models.items()}
        object.__setattr__(self, "models", checked)

    @property
    @abstractmethod
    def titles(self) -> Mapping[str, str]:
        """The title of each metric by its name; "auroc" and "accuracy" are among them."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """The classes as plain values, as files keep them."""

    @abstractmethod
    def counts(self, result: AnyResult) -> dict[str, int]:
        """The images of each class that a result is of."""

    @abstractmethod
    def checked(self, table: pd.DataFrame) -> pd.DataFrame:
        """The scores of a model, checked."""

    @abstractmethod
    def once_a_unit(self, unit: Unit) -> Mapping[str, pd.DataFrame]:
        """The scores with one row per study or patient, by model."""

    @abstractmethod
    def _result(self, model: str, split: str, unit: Unit) -> AnyResult: ...

    @abstractmethod
    def _differences(
        self, one: pd.DataFrame, other: pd.DataFrame
    ) -> tuple[Difference | None, Difference]: ...

    @abstractmethod
    def _by_source(self, table: pd.DataFrame) -> list[AnySource]: ...

    def splits(self) -> list[str]:
        """The splits to report, test first: those of `EVALUATED_SPLITS` that have scores."""
        return [split for split in EVALUATED_SPLITS if self.tables(split)]

    def tables(self, split: str, unit: Unit = "image") -> dict[str, pd.DataFrame]:
        """The scores of each model that has images of a split.

        Args:
            split: Its name.
            unit: One row per image, study or patient.
        """
        return self._kept(("tables", split, unit), lambda: self._tables(split, unit))

    def results(self, split: str, unit: Unit = "image") -> list[AnyResult]:
        """The metrics of each model on a split, in the order of `models`."""
        return self._kept(("results", split, unit), lambda: self._results(split, unit))

    def first_results(self, split: str | None) -> tuple[str, list[AnyResult]]:
        """A split and the metrics on it; without a split, those of the first that has scores.

        Raises:
            ValueError: No model has scores of the split.
        """
        split = split or next(iter(self.splits()), "test")
        if results := self.results(split):
            return split, results
        raise ValueError(f"no diagnosis has scores of the {split} split")

    def sources(self, split: str) -> dict[str, list[AnySource]]:
        """The metrics of each source of a split by model; empty where there is one source."""
        return self._kept(("sources", split), lambda: self._sources(split))

    def paired(self, split: str) -> list[Paired]:
        """The first model minus each other one, on the same images of a split."""
        tables = self.tables(split)
        return self._kept(("paired", split), lambda: list(paired(tables, self._differences)))

    def leaks(self) -> Leaks:
        """What `without_leaks` leaves out of the first model's scores."""
        first = list(self.tables("test").values())[:1]
        leaking = [one for table in first for one in _persons(table) if one in self.leaking]
        return Leaks(len(leaking), len(set(leaking)))

    def without_leaks(self) -> Self | None:
        """The same models on the test images of all who do not leak; None where nobody does."""
        if not self.leaks().images:
            return None
        return self._kept(("without leaks",), self._without_leaks)

    def _kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]

    def _without_leaks(self) -> Self:
        models = {
            name: table[[one not in self.leaking for one in _persons(table)]]
            for name, table in self.tables("test").items()
        }
        return replace(self, models=models, leaking=frozenset(), known={})

    def _tables(self, split: str, unit: Unit) -> dict[str, pd.DataFrame]:
        tables = self.models if unit == "image" else self.once_a_unit(unit)
        parts = {name: table[table["split"] == split] for name, table in tables.items()}
        return {name: part for name, part in parts.items() if len(part)}

    def _results(self, split: str, unit: Unit) -> list[AnyResult]:
        by_image = {} if unit == "image" else {one.model: one for one in self.results(split)}
        return [
            by_image[name]
            if name in by_image and by_image[name].images == len(table)
            else self._result(name, split, unit)
            for name, table in self.tables(split, unit).items()
        ]

    def _sources(self, split: str) -> dict[str, list[AnySource]]:
        tables = self.tables(split)
        if len({source for table in tables.values() for source in table["source"]}) < 2:
            return {}
        return {name: self._by_source(table) for name, table in tables.items()}


def _persons(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["source"], table["patient"], strict=True))


@dataclass(frozen=True, eq=False)
class Scored(ScoredModels[ModelResult, SourceResult]):
    """What several models of two classes scored.

    Attributes:
        models: Scores by the row's name, as `matl.evaluation.metrics.check_scores` returns them;
            each may hold all splits.
        positive: The class that counts as positive.
        negative: The other class.
        once: The same with each patient once; by default made by
            `matl.evaluation.joining.by_unit`.

    Raises:
        ValueError: Where scores are invalid (see `matl.evaluation.metrics.check_scores`).
    """

    positive: str
    negative: str
    once: Mapping[str, pd.DataFrame] | None = None
    label_column = "label"
    result_kind = ModelResult
    source_kind = SourceResult

    @property
    def titles(self) -> Mapping[str, str]:
        """As `matl.evaluation.metrics.METRICS`."""
        return METRICS

    def about(self) -> dict[str, Any]:
        """The positive and the negative class."""
        return {"positive": self.positive, "negative": self.negative}

    def counts(self, result: ModelResult) -> dict[str, int]:
        """The positive images, then the negative ones."""
        return {
            self.positive: result.positives,
            self.negative: result.images - result.positives,
        }

    def checked(self, table: pd.DataFrame) -> pd.DataFrame:
        """See `matl.evaluation.metrics.check_scores`."""
        return check_scores(table)

    def once_a_unit(self, unit: Unit) -> Mapping[str, pd.DataFrame]:
        """`once` where it is given and patients are asked for; else the scores are joined."""
        if self.once is not None and unit == "patient":
            return {name: check_scores(table) for name, table in self.once.items()}
        return {name: by_unit(table, unit, self.join) for name, table in self.models.items()}

    def calibrations(self) -> dict[str, Calibration]:
        """The calibration on test of each model that was scored on val and test."""
        return self._kept(("calibrations",), self._calibrations)

    def _result(self, model: str, split: str, unit: Unit) -> ModelResult:
        scores = self.tables(split, unit)[model]
        patients = scores.groupby(["source", "patient"]).ngroups
        positives = int(scores["label"].sum())
        return ModelResult(model, split, len(scores), patients, summarise(scores), positives)

    def _differences(
        self, one: pd.DataFrame, other: pd.DataFrame
    ) -> tuple[Difference | None, Difference]:
        return differences(one, other)

    def _by_source(self, table: pd.DataFrame) -> list[SourceResult]:
        return by_source(table)

    def _calibrations(self) -> dict[str, Calibration]:
        val, test = self.tables("val"), self.tables("test")
        return {name: calibrate(val[name], table) for name, table in test.items() if name in val}
