"""The record of an ablation whose cells' scores are drawn, not trained."""

from drawn_scores import FOLDS, IMAGES, PATIENTS, REPEATS, ablation_of, drawn

from matl.ablation.ablation_record import (
    AblationRecord,
    Gates,
    MethodCost,
    Promise,
    RankCorrelation,
    StageCost,
    Tested,
)
from matl.ablation.cells import Cell, cells_of
from matl.ablation.results import cell_table, compare, means, verdict_of
from matl.report.run_record import NetworkRow

SPLITS = {"folds": (FOLDS, REPEATS), "official": (0, 1)}


class Planned:
    """Stands for a plan: its diagnosis has a fingerprint."""

    def __init__(self, cell: Cell) -> None:
        self.fingerprint = f"{abs(hash(cell)):032x}"
        self.chain = [self]


def drawn_record() -> AblationRecord:
    """Three arms, three regimes, three seeds, two splits; the primary comparison is finished."""
    ablation = ablation_of()
    cells = cells_of(ablation)
    scores = {cell: drawn(cell) for cell in cells}
    table = cell_table(ablation, {cell: Planned(cell) for cell in cells}, scores, scores, {})
    found = compare(ablation, scores)
    analysis = ablation.analysis
    return AblationRecord(
        name="drawn",
        command="matl ablate drawn.yaml",
        notes=["Primary analysis 1234, fixed in analysis.json with none of its 4 cells finished."],
        changed=False,
        overrides=[],
        arms=ablation.arms,
        regimes={name: vars(one) for name, one in ablation.regimes.items()},
        seeds=list(ablation.seeds),
        comparison=list(analysis.comparison),
        regime=analysis.regime,
        split=analysis.split,
        metric=analysis.metric,
        margin=analysis.margin,
        verdict=verdict_of(ablation, next(one for one in found if one.primary)),
        comparisons=found,
        means=means(ablation, scores, table),
        tested=[
            Tested(name, *dealt, PATIENTS * IMAGES, PATIENTS, PATIENTS, "ill", "well")
            for name, dealt in SPLITS.items()
        ],
        networks=[NetworkRow("plain", "resnet10t", "none", 1000, 0, {"32 x 32": 10**6})],
        gates=[Gates("attention", "xray → diagnosis (full)", 2, {"gate/16": (0.2, 0.1, 0.3)})],
        finished=len(scores),
        costs=[StageCost("xray", 2, 2, 8, 60.0, 240.0)],
        methods=[MethodCost("attention", ["full"], "lung", "moco", 1, 1, 41.26, 2226.4, 146.0, 3)],
        runs={"attention": "matl run a.yaml", "plain": "matl run b.yaml"},
        facts={"Machine": "Linux"},
        promises=[
            Promise(
                arm, regime, "folds", 1.0, 18, {"log_me": -0.5, "h_score": 0.3, "trans_rate": 2}
            )
            for arm in ablation.arms
            for regime in ablation.regimes
        ],
        ranks=[RankCorrelation("log_me", 0.625, 36)],
    )
