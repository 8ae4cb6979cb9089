"""What an ablation has found so far: all that its tables and its page are made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matl.evaluation.metrics import METRICS
from matl.evaluation.statistics.contrasts import Contrast
from matl.report.leak_rows import WITHOUT_LEAKS
from matl.report.rows import current_name
from matl.report.run_record import NetworkRow


@dataclass(frozen=True)
class Comparison:
    """One line of the results: a difference and what it compares.

    Attributes:
        arms: whose gain it is, or the two whose gains are compared.
        regime: the gain of which.
        over: the regime that it is a gain over.
        split: of the test images.
        fraction: the share of the labels.
        plain: the difference of the ablation's metric.
        logit: the difference of its logits.
        primary: whether it is the one that the ablation was made for.
        p: adjusted by Holm's method among the others; the primary one's own; None without one.
    """

    arms: tuple[str, ...]
    regime: str
    over: str
    split: str
    fraction: float
    plain: Contrast
    logit: Contrast
    primary: bool
    p: float | None

    @property
    def what(self) -> str:
        """The comparison in words."""
        return f"{' - '.join(self.arms)}, {self.regime} minus {current_name(self.over)}"

    @property
    def place(self) -> str:
        """The split and the share of the labels in words."""
        return place(self.split, self.fraction)


@dataclass(frozen=True)
class Mean:
    """What an arm reaches after a regime, over the seeds that finished it.

    Attributes:
        arm: whose.
        regime: after which.
        split: of the test images.
        fraction: the share of the labels.
        value: the ablation's metric.
        floor: of that metric, mean over the cells; None where a cell has none.
        others: AUROC and accuracy where they are not the metric, mean over the cells.
    """

    arm: str
    regime: str
    split: str
    fraction: float
    value: Contrast
    floor: float | None
    others: dict[str, float | None]


@dataclass(frozen=True)
class StageCost:
    """The stages of one name.

    Attributes:
        stage: the name.
        distinct: how many differ, each trained once.
        finished: how many of them the store has.
        uses: of the finished ones by finished cells; one whose cells are not finished counts once.
        seconds: that the finished ones took.
        unshared_seconds: that they would have taken, trained again for each cell.
    """

    stage: str
    distinct: int
    finished: int
    uses: int
    seconds: float
    unshared_seconds: float


@dataclass(frozen=True)
class MethodCost:
    """What a self-supervised method costs in one arm.

    Attributes:
        arm: its name.
        regimes: whose chains have the stage.
        stage: its name.
        method: what it learns.
        trained, teacher: forward passes a scan and step through each network.
        images_a_second: over all epochs.
        peak_memory_mb: the most of any.
        seconds: of training a stage.
        finished: the stages that these are means of.
    """

    arm: str
    regimes: list[str]
    stage: str
    method: str
    trained: int
    teacher: int
    images_a_second: float
    peak_memory_mb: float
    seconds: float
    finished: int


@dataclass(frozen=True)
class Gates:
    """Gates and contributions at the end of the finished stages at one place of one arm.

    Attributes:
        arm: its name.
        chain: the stages up to this one, in words; of a diagnosis its regime too.
        stages: how many differ, over seeds and splits.
        values: mean, least and most of each logged value, as in "gate/16".
    """

    arm: str
    chain: str
    stages: int
    values: dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Promise:
    """What the backbones that the diagnoses of an arm began from after a regime promised.

    Attributes:
        arm: whose.
        regime: after which.
        split: of the test images.
        fraction: the share of the labels.
        cells: how many finished ones it is the mean of.
        scores: `log_me`, `h_score` and `trans_rate`, see `matl.evaluation.transferability`.
    """

    arm: str
    regime: str
    split: str
    fraction: float
    cells: int
    scores: dict[str, float]


@dataclass(frozen=True)
class RankCorrelation:
    """How cells rank by what was promised and by what was gained over training from scratch.

    Attributes:
        score: which, as in "log_me".
        value: Spearman's, -1 to 1.
        cells: how many were ranked.
    """

    score: str
    value: float
    cells: int


@dataclass(frozen=True)
class Tested:
    """The images that a split is tested on, each once.

    Attributes:
        split: its name in the ablation.
        folds: how many it is dealt into; 0 for the data set's own split.
        repeats: how often it is dealt.
        images: how many are tested.
        patients: how many they are of.
        positives: how many images are of the positive class.
        positive: that class.
        negative: the other class.
    """

    split: str
    folds: int
    repeats: int
    images: int
    patients: int
    positives: int
    positive: str
    negative: str

    @property
    def dealt(self) -> str:
        """How the images are tested, in words."""
        if not self.folds:
            return "the data set's own split"
        times = "once" if self.repeats == 1 else f"{self.repeats} times"
        return f"{self.folds} folds by patient, dealt {times}"


@dataclass(frozen=True)
class AblationRecord:
    """What an ablation has found so far.

    Attributes:
        name: the ablation's.
        command: the exact command that ran it.
        notes: when the primary analysis was fixed, and what breaks the match of the arms.
        changed: whether the primary analysis was changed after it began.
        overrides: settings of every cell.
        arms: their overrides.
        regimes: their chains and overrides.
        seeds: those that were planned.
        comparison: the one or two arms of the primary comparison.
        regime: of the primary comparison.
        split: of the primary comparison.
        metric: of the primary comparison.
        margin: of the primary comparison.
        verdict: on it; None where it has no seed yet.
        comparisons: every difference.
        means: what each arm reaches after each regime.
        tested: of each split.
        networks: of each arm.
        gates: at the end of the finished stages.
        finished: how many cells the results are made from.
        costs: of the distinct stages by name.
        methods: costs of the self-supervised stages, by arm and regimes.
        runs: for each compared arm the command that makes a run out of its first primary cell.
        facts: machines, versions and commits of the finished stages.
        promises: of each arm and regime.
        ranks: of the cells after regimes other than scratch, by each score.
    """

    name: str
    command: str
    notes: list[str]
    changed: bool
    overrides: list[str]
    arms: dict[str, list[str]]
    regimes: dict[str, dict[str, list[str]]]
    seeds: list[int]
    comparison: list[str]
    regime: str
    split: str
    metric: str
    margin: float
    verdict: str | None
    comparisons: list[Comparison]
    means: list[Mean]
    tested: list[Tested]
    networks: list[NetworkRow]
    gates: list[Gates]
    finished: int
    costs: list[StageCost]
    runs: dict[str, str]
    facts: dict[str, str]
    methods: list[MethodCost] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    ranks: list[RankCorrelation] = field(default_factory=list)

    @property
    def metric_name(self) -> str:
        """The metric as it is shown."""
        return METRICS[self.metric]

    @property
    def primary(self) -> Comparison | None:
        """The comparison that the ablation was made for, once a seed has finished it."""
        return next((one for one in self.comparisons if one.primary), None)

    @property
    def primary_tested(self) -> Tested:
        """What the primary comparison is tested on."""
        return next(one for one in self.tested if one.split == self.split)


def clean_name(split: str) -> str:
    """What a split is called without the images that leak."""
    return f"{split}, {WITHOUT_LEAKS}"


def place(split: str, fraction: float) -> str:
    """A split and a share of the labels in words."""
    return split if fraction == 1 else f"{split}, {fraction:g} of the labels"


def covered(found: Sequence[Contrast]) -> str:
    """What the intervals of several differences cover, in words."""
    alone = {one.seeds == 1 for one in found}
    if alone == {True}:
        return "over patients alone: of one seed"
    return "over seeds and patients" + (" (of one seed: over patients)" if True in alone else "")
