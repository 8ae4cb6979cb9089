"""What is known of a finished run: all that its tables and its report are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from matl.evaluation.groups import Group, by_patient, by_source
from matl.evaluation.metrics import Estimate, check_scores, summarise
from matl.evaluation.paired import Paired, paired
from matl.evaluation.statistics.calibration import Calibration, calibrate

EVALUATED_SPLITS = ("test", "val")


@dataclass(frozen=True)
class StageRow:
    """One stage of the chain, what it was given and what it cost.

    Attributes:
        name: The stage's name in the experiment.
        part: 1, 2 or 3.
        task: `source`, `lung_ssl` or `diagnosis`.
        data: The data sets in words.
        images: How many it was trained on.
        size: Image size in pixels, in words ("192 x 192").
        epochs: How many were trained.
        seconds: Training time, None where not measured (as for the next two).
        images_per_second: Images through the whole training loop.
        peak_memory_mb: Largest memory in 10^6 bytes.
        metric: The stage's own metric at its end, as in "val/accuracy"; None where it has none.
        value: That metric's value, None where `metric` is.
        reused: None where this experiment trained the stage, now or before; else which one did.
        fingerprint: The stage's fingerprint.
    """

    name: str
    part: int
    task: str
    data: str
    images: int
    size: str
    epochs: int
    seconds: float | None
    images_per_second: float | None
    peak_memory_mb: float | None
    metric: str | None = None
    value: float | None = None
    reused: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class NetworkRow:
    """The network of one arm, what it holds and what it costs.

    Attributes:
        arm: The arm's name.
        network: timm's name of it.
        operator: "attention", "convolution" or "none".
        parameters: In all, without heads.
        in_operators: Those within the inserted operators.
        flops: Floating-point operations of a forward pass over one image, by its size in words.
    """

    arm: str
    network: str
    operator: str
    parameters: int
    in_operators: int
    flops: dict[str, int]


@dataclass(frozen=True)
class Result:
    """The metrics of one model on one split.

    Attributes:
        model: The row's name ("chain", "scratch", "floor").
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


@dataclass(frozen=True)
class RunRecord:
    """A finished run.

    Attributes:
        experiment: The experiment's name.
        command: The exact command that ran it.
        stages: The chain's stages in order.
        diagnoses: Scores (see `matl.evaluation.metrics.check_scores`) by the row's name, as in
            "chain", "scratch" and "floor"; each may hold all splits.
        positive: The class that counts as positive.
        negative: The other class.
        split_note: How the splits were made, and what stands in where patients are not named.
        curves: For each stage a table of its training: `epoch` and a column a logged value.
        manifest: Versions, machine, configuration: anything that JSON can hold.
        notes: What a reader should know, a sentence each.
        seeds: How many seeds of the whole chain the scores are of.
        data: For each stage the counts of its images, a row a split (see
            `data_modules.audit.overview`).
        networks: The run's network, then those that it is to be matched with.
    """

    experiment: str
    command: str
    stages: list[StageRow]
    diagnoses: dict[str, pd.DataFrame]
    positive: str
    negative: str
    split_note: str = ""
    curves: dict[str, pd.DataFrame] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seeds: int = 1
    data: dict[str, pd.DataFrame] = field(default_factory=dict)
    networks: list[NetworkRow] = field(default_factory=list)

    def scores(self, split: str) -> dict[str, pd.DataFrame]:
        """The checked scores of each diagnosis that has images of `split`.

        Raises:
            ValueError: Where scores are invalid (see `matl.evaluation.metrics.check_scores`).
        """
        tables = {name: check_scores(scores) for name, scores in self.diagnoses.items()}
        parts = {name: table[table["split"] == split] for name, table in tables.items()}
        return {name: part for name, part in parts.items() if len(part)}

    def splits(self) -> list[str]:
        """The splits to report, test first: those of `EVALUATED_SPLITS` that have scores."""
        return [split for split in EVALUATED_SPLITS if self.scores(split)]

    def results(self, split: str) -> list[Result]:
        """The metrics of each diagnosis on `split`, in the order of `diagnoses`."""
        return [_result(name, split, part) for name, part in self.scores(split).items()]

    def sources(self, split: str) -> dict[str, list[Group]]:
        """The metrics of each source of `split` by diagnosis; empty where there is one source."""
        parts = self.scores(split)
        if len({source for part in parts.values() for source in part["source"]}) < 2:
            return {}
        return {name: by_source(part) for name, part in parts.items()}

    def paired(self, split: str) -> list[Paired]:
        """The first diagnosis minus each other one, on the same images of `split`."""
        return list(paired(self.scores(split)))

    def by_patient(self) -> "RunRecord":
        """The same run with each patient scored once; see `matl.evaluation.groups.by_patient`."""
        tables = {name: by_patient(scores) for name, scores in self.diagnoses.items()}
        return replace(self, diagnoses=tables)

    def calibrations(self) -> dict[str, Calibration]:
        """The calibration on test of each diagnosis that was scored on val and test."""
        val, test = self.scores("val"), self.scores("test")
        return {name: calibrate(val[name], part) for name, part in test.items() if name in val}


def _result(model: str, split: str, scores: pd.DataFrame) -> Result:
    patients = scores.groupby(["source", "patient"]).ngroups
    positives = int(scores["label"].sum())
    return Result(model, split, len(scores), patients, positives, summarise(scores))
