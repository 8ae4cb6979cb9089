"""Scores of several models with their classes, and what is computed from them, each number once."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from matl.evaluation.groups import SourceResult, by_patient, by_source
from matl.evaluation.metrics import Estimate, check_scores, summarise
from matl.evaluation.paired import Paired, paired
from matl.evaluation.statistics.calibration import Calibration, calibrate

EVALUATED_SPLITS = ("test", "val")
Unit = Literal["image", "patient"]
UNITS: tuple[Unit, ...] = ("image", "patient")


@dataclass(frozen=True)
class ModelResult:
    """The metrics of one model on one split.

    Attributes:
        model: The row's name, as in `matl.report.rows`.
        split: "test" or "val".
        images: How many images were scored.
        patients: How many patients they are of.
        positives: How many images are of the positive class.
        metrics: An estimate for each name in `matl.evaluation.metrics.METRICS`.
    """

    model: str
    split: str
    images: int
    patients: int
    positives: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True, eq=False)
class Scored:
    """What several models scored, and the classes.

    Every number is computed when it is first asked for, and kept.

    Attributes:
        models: Scores by the row's name, as `matl.evaluation.metrics.check_scores` returns them;
            each may hold all splits.
        positive: The class that counts as positive.
        negative: The other class.
        once: The same with each patient once; by default made by
            `matl.evaluation.groups.by_patient`.
        known: What was computed before, by the method and its arguments.

    Raises:
        ValueError: Where scores are invalid (see `matl.evaluation.metrics.check_scores`).
    """

    models: Mapping[str, pd.DataFrame]
    positive: str
    negative: str
    once: Mapping[str, pd.DataFrame] | None = None
    known: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        checked = {name: check_scores(table) for name, table in self.models.items()}
        object.__setattr__(self, "models", checked)

    def splits(self) -> list[str]:
        """The splits to report, test first: those of `EVALUATED_SPLITS` that have scores."""
        return [split for split in EVALUATED_SPLITS if self.tables(split)]

    def tables(self, split: str, unit: Unit = "image") -> dict[str, pd.DataFrame]:
        """The scores of each model that has images of a split.

        Args:
            split: Its name.
            unit: One row per image or per patient.
        """
        return self._kept(("tables", split, unit), lambda: self._tables(split, unit))

    def results(self, split: str, unit: Unit = "image") -> list[ModelResult]:
        """The metrics of each model on a split, in the order of `models`."""
        return self._kept(("results", split, unit), lambda: self._results(split, unit))

    def sources(self, split: str) -> dict[str, list[SourceResult]]:
        """The metrics of each source of a split by model; empty where there is one source."""
        return self._kept(("sources", split), lambda: self._sources(split))

    def paired(self, split: str) -> list[Paired]:
        """The first model minus each other one, on the same images of a split."""
        return self._kept(("paired", split), lambda: list(paired(self.tables(split))))

    def calibrations(self) -> dict[str, Calibration]:
        """The calibration on test of each model that was scored on val and test."""
        return self._kept(("calibrations",), self._calibrations)

    def has_repeats(self, split: str) -> bool:
        """Whether a patient has several images in a split."""
        return any(one.images > one.patients for one in self.results(split))

    def _kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]

    def _tables(self, split: str, unit: Unit) -> dict[str, pd.DataFrame]:
        if unit == "image":
            tables = dict(self.models)
        elif self.once is not None:
            tables = {name: check_scores(table) for name, table in self.once.items()}
        else:
            tables = {name: by_patient(table) for name, table in self.models.items()}
        parts = {name: table[table["split"] == split] for name, table in tables.items()}
        return {name: part for name, part in parts.items() if len(part)}

    def _results(self, split: str, unit: Unit) -> list[ModelResult]:
        by_image = {} if unit == "image" else {one.model: one for one in self.results(split)}
        return [
            by_image[name]
            if name in by_image and by_image[name].images == len(table)
            else _result(name, split, table)
            for name, table in self.tables(split, unit).items()
        ]

    def _sources(self, split: str) -> dict[str, list[SourceResult]]:
        tables = self.tables(split)
        if len({source for table in tables.values() for source in table["source"]}) < 2:
            return {}
        return {name: by_source(table) for name, table in tables.items()}

    def _calibrations(self) -> dict[str, Calibration]:
        val, test = self.tables("val"), self.tables("test")
        return {name: calibrate(val[name], table) for name, table in test.items() if name in val}


def _result(model: str, split: str, scores: pd.DataFrame) -> ModelResult:
    patients = scores.groupby(["source", "patient"]).ngroups
    positives = int(scores["label"].sum())
    return ModelResult(model, split, len(scores), patients, positives, summarise(scores))
