"""The cells of an ablation: one chain of one arm, seed and fold each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from data_modules.config import DataConfig
from matl.ablation.schema import Ablation, Split
from matl.config import load_experiment
from matl.config.schema import Experiment
from matl.orchestrator.plan import Memo, Plan, make_plan


@dataclass(frozen=True)
class Cell:
    """One chain to be trained.

    Attributes:
        arm, regime, split: names in the ablation.
        seed: of the whole chain.
        fraction: the share of the diagnosis's training patients.
        repeat, fold: of the split; 0 for the official one.
    """

    arm: str
    regime: str
    split: str
    seed: int
    fraction: float = 1.0
    repeat: int = 0
    fold: int = 0


def cells_of(ablation: Ablation) -> list[Cell]:
    """Every cell: seeds outermost, so that whole comparisons are finished early."""
    return [
        Cell(arm, regime, split, seed, fraction, repeat, fold)
        for seed, (split, repeat, fold), fraction, regime, arm in product(
            ablation.seeds,
            _places(ablation),
            ablation.fractions,
            ablation.regimes,
            ablation.arms,
        )
    ]


def plan_cells(
    ablation: Ablation, cells: Sequence[Cell], overrides: Sequence[str]
) -> dict[Cell, Plan]:
    """The plan of each cell; every data set is read once.

    Raises:
        MatlError: an arm's, a regime's or the user's override is wrong.
        DataError: a data set is missing or wrong.
    """
    memo = Memo()
    base = load_experiment(ablation.experiment, [*ablation.overrides, *overrides])
    plans = {}
    for cell in cells:
        words = [*ablation.overrides, *_overrides(ablation, cell, base), *overrides]
        plans[cell] = make_plan(load_experiment(ablation.experiment, words), memo=memo)
    return plans


def _places(ablation: Ablation) -> Iterator[tuple[str, int, int]]:
    for name, split in ablation.splits.items():
        for repeat, fold in product(range(split.repeats), range(max(split.folds, 1))):
            yield name, repeat, fold


def _overrides(ablation: Ablation, cell: Cell, base: Experiment) -> list[str]:
    regime, split = ablation.regimes[cell.regime], ablation.splits[cell.split]
    return [
        *ablation.arms[cell.arm],
        *regime.overrides,
        f"chain=[{','.join(regime.chain)}]",
        "baselines=[]",
        f"seed={cell.seed}",
        *_split_overrides(split, cell, base, regime.chain),
        *_fraction_overrides(cell, base, regime.chain[-1]),
    ]


def _split_overrides(split: Split, cell: Cell, base: Experiment, chain: list[str]) -> list[str]:
    """Splits the diagnosis, and every stage that sees its images, in the same way."""
    if not split.folds:
        return []
    target = base.stages[chain[-1]].data.name
    settings = {
        "split": "kfold",
        "over": split.over,
        "folds": split.folds,
        "repeat": cell.repeat,
        "fold": cell.fold,
    }
    return [
        f"stages.{name}.data.{key}={value}"
        for name in chain
        if target in _names(base.stages[name].data)
        for key, value in settings.items()
    ]


def _fraction_overrides(cell: Cell, base: Experiment, diagnosis: str) -> list[str]:
    """Fewer training patients, and more epochs of them: about the same number of steps."""
    if cell.fraction == 1:
        return []
    epochs = round(base.stages[diagnosis].epochs / cell.fraction)
    stage = f"stages.{diagnosis}"
    return [
        f"{stage}.data.label_fraction={cell.fraction}",
        f"{stage}.data.label_seed={cell.seed}",
        f"{stage}.epochs={epochs}",
    ]


def _names(data: DataConfig) -> set[str | None]:
    members: list[Any] = data.union or [data.name]
    return {one if isinstance(one, str | None) else one.get("name") for one in members}
