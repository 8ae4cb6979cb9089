"""The typed ablation: what a user writes to compare arms and regimes of one experiment."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

SCRATCH = "scratch"
OFFICIAL = "official"


@dataclass
class Regime:
    """Which stages come before the diagnosis.

    Attributes:
        chain: the stages in order, the diagnosis last.
        overrides: settings of this regime, such as `stages.diagnosis.freeze=all`.
        against: other regimes that it is compared with, beside scratch.
    """

    chain: list[str] = MISSING
    overrides: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)


@dataclass
class Split:
    """How the diagnosis is tested.

    Attributes:
        folds: 0 for the data set's own split, else that many folds by patient.
        repeats: how often the patients are dealt into folds.
        over: what the folds divide: `all` patients, or those of the official `train` split.
    """

    folds: int = 0
    repeats: int = 1
    over: str = "all"


@dataclass
class Analysis:
    """The one comparison that the ablation is made for, fixed before a test score is seen.

    Attributes:
        comparison: two arms: does the first gain more than the second?
        regime: whose gain over `scratch` is compared.
        split: on which split.
        metric: of the diagnosis, from `matl.evaluation.metrics.METRICS`; more must be better.
        margin: the least difference of gains that counts, in units of the metric.
    """

    comparison: list[str] = MISSING
    regime: str = MISSING
    split: str = MISSING
    metric: str = "auroc"
    margin: float = 0.0


@dataclass
class Ablation:
    """What is compared.

    Attributes:
        name: names the folder of the results.
        experiment: the experiment's file, beside this one.
        overrides: settings of every cell.
        arms: overrides of the experiment by the arm's name.
        regimes: chains by name, or mappings as `Regime`; `scratch`, the diagnosis alone, is always
            among them.
        seeds: of the whole chain; the same in every arm.
        fractions: shares of the diagnosis's training patients; its epochs grow so that the steps
            stay the same.
        splits: by name; default: the official one.
        analysis: the primary comparison.
        cluster: settings of submitit for `--executor`, such as `slurm_partition: gpu`.
    """

    name: str = MISSING
    experiment: str = MISSING
    overrides: list[str] = field(default_factory=list)
    arms: dict[str, Any] = MISSING
    regimes: dict[str, Any] = MISSING
    seeds: list[int] = MISSING
    fractions: list[float] = field(default_factory=lambda: [1.0])
    splits: dict[str, Any] = field(default_factory=dict)
    analysis: Analysis = field(default_factory=Analysis)
    cluster: dict[str, Any] = field(default_factory=dict)
