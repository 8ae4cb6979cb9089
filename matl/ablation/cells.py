"""The cells of an ablation: one chain of one arm, seed and fold each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

from data_modules.config import DataConfig
from matl.ablation.schema import Ablation, Split
from matl.config import Experiment, load_experiment
from matl.errors import MatlError
from matl.evaluation.metrics import NEEDS
from matl.orchestrator.plan import Memo, Plan, PlannedStage, plan_checked

RESERVED = ("seed", "chain", "baselines")
DEALT = ("split", "over", "folds", "repeat", "fold", "label_fraction", "label_seed")


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
    _refuse_reserved(ablation, overrides)
    memo = Memo()
    plans = {}
    for cell in cells:
        words = overrides_of(ablation, cell, overrides, memo)
        words += _fraction_overrides(ablation, cell, words, memo)
        plans[cell] = plan_checked(load_experiment(ablation.experiment, words), memo=memo)
    _refuse_twins(plans)
    _refuse_one_class(ablation.analysis.metric, plans)
    return plans


def overrides_of(ablation: Ablation, cell: Cell, overrides: Sequence[str], memo: Memo) -> list[str]:
    """What makes a cell with all labels out of the experiment, the user's overrides among it.

    Args:
        ablation, cell: What is compared, and the part of it.
        overrides: The user's, for every cell.
        memo: Of cells of the same ablation and overrides.
    """
    words = [*ablation.overrides, *_overrides(ablation, cell), *overrides]
    split = ablation.splits[cell.split]
    if not split.folds:
        return words
    key = ("target stages", cell.arm, cell.regime)
    dealt = memo.once(key, lambda: _target_stages(load_experiment(ablation.experiment, words)))
    return words + _split_overrides(split, cell, dealt)


def _refuse_reserved(ablation: Ablation, overrides: Sequence[str]) -> None:
    """Keeps the keys that make the cells out of what is written for all of them."""
    written = [*overrides, *ablation.overrides, *chain.from_iterable(ablation.arms.values())]
    written += chain.from_iterable(regime.overrides for regime in ablation.regimes.values())
    diagnosis = next(iter(ablation.regimes.values())).chain[-1]
    reserved = {*RESERVED, *(f"stages.{diagnosis}.data.{key}" for key in DEALT)}
    for word in written:
        if word.partition("=")[0].strip() in reserved:
            raise MatlError(
                f"{word}: is set by the ablation's cells; write it in the ablation's file"
            )


def _refuse_twins(plans: Mapping[Cell, Plan]) -> None:
    """One diagnosis must not stand for several seeds, folds, arms or regimes."""
    seen: dict[tuple[Any, ...], Cell] = {}
    for cell, plan in plans.items():
        kind = (cell.arm, cell.regime, cell.split, cell.fraction, plan.chain[-1].fingerprint)
        if kind in seen:
            other = seen[kind]
            raise MatlError(
                f"seed {cell.seed}, repeat {cell.repeat}, fold {cell.fold} would train the same "
                f"diagnosis as seed {other.seed}, repeat {other.repeat}, fold {other.fold}; "
                "look for overrides that undo the cells' own"
            )
        seen[kind] = cell
    for what in ("arm", "regime"):
        for first, second in combinations(dict.fromkeys(getattr(cell, what) for cell in plans), 2):
            if _stages_of(plans, what, first) == _stages_of(plans, what, second):
                raise MatlError(
                    f"the {what}s {first} and {second} would train the same stages; look for "
                    f"overrides that undo the {what}s' own"
                )


def _refuse_one_class(metric: str, plans: Mapping[Cell, Plan]) -> None:
    """The metric must have a meaning on the test images of every fold."""
    places = {(cell.split, cell.repeat, cell.fold): plan for cell, plan in plans.items()}
    for (split, repeat, fold), plan in places.items():
        samples = plan.chain[-1].samples
        labels = set(samples.table["label"][samples.table["split"] == "test"])
        for needed in NEEDS[metric]:
            if samples.classes[needed] not in labels:
                raise MatlError(
                    f"split {split}, repeat {repeat}, fold {fold}: no test image is of the class "
                    f"{samples.classes[needed]}, without which {metric} has no meaning; deal fewer "
                    "folds, or choose another analysis.metric"
                )


def _stages_of(plans: Mapping[Cell, Plan], what: str, name: str) -> list[str]:
    own = [plan.chain for cell, plan in plans.items() if getattr(cell, what) == name]
    return [chain[-1].fingerprint for chain in own]


def _places(ablation: Ablation) -> Iterator[tuple[str, int, int]]:
    for name, split in ablation.splits.items():
        for repeat, fold in product(range(split.repeats), range(max(split.folds, 1))):
            yield name, repeat, fold


def _overrides(ablation: Ablation, cell: Cell) -> list[str]:
    regime = ablation.regimes[cell.regime]
    return [
        *ablation.arms[cell.arm],
        *regime.overrides,
        f"chain=[{','.join(regime.chain)}]",
        "baselines=[]",
        f"seed={cell.seed}",
    ]


def _target_stages(experiment: Experiment) -> list[str]:
    """The diagnosis, and every stage that sees its images."""
    target = _folders(experiment.stages[experiment.chain[-1]].data)
    return [name for name in experiment.chain if target & _folders(experiment.stages[name].data)]


def _split_overrides(split: Split, cell: Cell, stages: Sequence[str]) -> list[str]:
    """Splits every stage that sees the target's images in the same way."""
    settings = {
        "split": "kfold",
        "over": split.over,
        "folds": split.folds,
        "repeat": cell.repeat,
        "fold": cell.fold,
    }
    return [
        f"stages.{name}.data.{key}={value}" for name in stages for key, value in settings.items()
    ]


def _fraction_overrides(
    ablation: Ablation, cell: Cell, words: Sequence[str], memo: Memo
) -> list[str]:
    """Fewer training patients, and more epochs of them: as many steps, up to half an epoch."""
    if cell.fraction == 1:
        return []
    experiment = load_experiment(ablation.experiment, words)
    diagnosis = experiment.chain[-1]
    stage = f"stages.{diagnosis}"
    fewer = [
        f"{stage}.data.label_fraction={cell.fraction}",
        f"{stage}.data.label_seed={cell.seed}",
    ]
    settings = [load_experiment(ablation.experiment, [*words, *more]) for more in ([], fewer)]
    whole, part = (_steps(plan_checked(one, memo=memo).chain[-1]) for one in settings)
    epochs = max(round(experiment.stages[diagnosis].epochs * whole / part), 1)
    return [*fewer, f"{stage}.epochs={epochs}"]


def _steps(stage: PlannedStage) -> int:
    """Of an epoch: full batches, or one where the images are fewer."""
    images = len(stage.training)
    return max(images // stage.config.batch_size, 1)


def _folders(data: DataConfig) -> set[tuple[Any, Any]]:
    """The data sets of a stage, by name and root."""
    members: list[Any] = data.union or [{"name": data.name, "root": data.root}]
    named = [{"name": one} if isinstance(one, str) else one for one in members]
    return {(one.get("name"), one.get("root")) for one in named}
