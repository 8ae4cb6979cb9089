"""The typed ablation: what a user writes to compare arms and regimes of one experiment."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

SCRATCH = "scratch"
OFFICIAL = "official"
METRIC_NAMES = (
    "`auroc`, `average_precision`, `balanced_accuracy`, `accuracy`, `sensitivity`, `specificity`, "
    "`f1`"
)


@dataclass
class Regime:
    """Which stages come before the diagnosis.

    Attributes:
        chain: The stages in order, the diagnosis last.
        overrides: Settings of this regime, such as `stages.diagnosis.freeze=all`.
        against: Other regimes that it is compared with, beside `scratch`.
    """

    chain: list[str] = MISSING
    overrides: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)


@dataclass
class Split:
    """How the diagnosis is tested.

    Attributes:
        folds: 0 for the data set's own split, else that many folds by patient.
        repeats: How often the patients are dealt.
        over: What the folds divide: `all` patients, or those of the official `train` split.
    """

    folds: int = field(default=0, metadata={"values": "0, or a whole number at least 2"})
    repeats: int = field(default=1, metadata={"values": "whole number at least 1"})
    over: str = field(default="all", metadata={"values": "`all`, `train`"})


@dataclass
class Analysis:
    """The one comparison that the ablation is made for, fixed before a test score is seen.

    Attributes:
        comparison: Two arms: does the first gain more than the second? Or one: does it gain?
        regime: The regime whose gain over `scratch` is compared.
        split: The split that it is compared on, by its name under `splits`.
        metric: What is compared, on the test images; more must be better.
        margin: The least difference of gains that counts.
    """

    comparison: list[str] = MISSING
    regime: str = MISSING
    split: str = MISSING
    metric: str = field(default="auroc", metadata={"values": METRIC_NAMES})
    margin: float = field(default=0.0, metadata={"unit": "that of the metric"})


@dataclass
class Ablation:
    """What is compared.

    Attributes:
        name: Names the folder of the results.
        experiment: The experiment's file, beside this one.
        overrides: Settings of every cell, as in `seed=1`.
        arms: What differs: lists of overrides by the arm's name.
        regimes: Which stages come before the diagnosis: chains by name, or mappings with the keys
            of a regime; `scratch`, the diagnosis alone, is always among them.
        seeds: Seeds of the whole chain; the same in every arm.
        fractions: How many of the diagnosis's training patients are kept; its epochs grow so that
            the steps stay the same.
        splits: How the diagnosis is tested, by name; where none is given, on the official split.
        analysis: the primary comparison.
        cluster: Settings of submitit for `--executor`, such as `slurm_partition: gpu`.
    """

    name: str = MISSING
    experiment: str = MISSING
    overrides: list[str] = field(default_factory=list)
    arms: dict[str, Any] = MISSING
    regimes: dict[str, Any] = MISSING
    seeds: list[int] = MISSING
    fractions: list[float] = field(
        default_factory=lambda: [1.0],
        metadata={"unit": "share", "values": "list of numbers above 0 and at most 1"},
    )
    splits: dict[str, Any] = field(default_factory=dict)
    analysis: Analysis = field(default_factory=Analysis)
    cluster: dict[str, Any] = field(default_factory=dict)
