"""The cells of an ablation: one chain of one arm, seed and fold each."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.samples import COLUMNS, Samples
from matl.ablation.cell_settings import DEALT, Cell, CellSettings
from matl.ablation.schema import Ablation
from matl.config import Experiment
from matl.config.layers import read_layers
from matl.errors import MatlError
from matl.evaluation.metrics import NEEDS
from matl.orchestrator.classes import tells_classes_apart
from matl.orchestrator.plan import Memo, Plan, PlannedStage, plan_checked

RESERVED = ("seed", "chain", "baselines")


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
    settings = CellSettings(ablation, overrides, memo)

    def steps(experiment: Experiment) -> int:
        return _steps(plan_checked(experiment, memo=memo).chain[-1])

    plans = {cell: plan_checked(settings.experiment(cell, steps), memo=memo) for cell in cells}
    _refuse_multi_class(plans)
    _refuse_twins(plans)
    _refuse_other_images(plans)
    _refuse_one_class(ablation.analysis.metric, plans)
    return plans


def _refuse_reserved(ablation: Ablation, overrides: Sequence[str]) -> None:
    """Keeps the keys that make the cells out of what is written for all of them."""
    written = [*overrides, *ablation.overrides, *chain.from_iterable(ablation.arms.values())]
    written += chain.from_iterable(regime.overrides for regime in ablation.regimes.values())
    diagnosis = next(iter(ablation.regimes.values())).chain[-1]
    reserved = [[key] for key in RESERVED]
    reserved += [["stages", diagnosis, "data", key] for key in DEALT]
    for layer in read_layers(Path(ablation.experiment), written):
        if not layer.is_file and any(layer.holds(keys) for keys in reserved):
            raise MatlError(
                f"{layer.origin}: is set by the ablation's cells; write it in the ablation's file"
            )


def _refuse_multi_class(plans: Mapping[Cell, Plan]) -> None:
    """The contrasts and their intervals are of two classes."""
    for plan in plans.values():
        last = plan.chain[-1]
        if tells_classes_apart(last.task, last.samples):
            raise MatlError(
                f"stages.{last.name}.data.positive: null makes the diagnosis multi-class, and matl "
                f"ablate compares two classes; name one of {', '.join(last.samples.classes)}"
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


def _refuse_other_images(plans: Mapping[Cell, Plan]) -> None:
    """Scores are compared image by image: arms, regimes and seeds are tested on the same ones."""
    first: dict[tuple[str, int, int], tuple[Cell, Samples]] = {}
    for cell, plan in plans.items():
        samples = plan.chain[-1].samples
        place = (cell.split, cell.repeat, cell.fold)
        other, reference = first.setdefault(place, (cell, samples))
        if samples is not reference and not _tested_alike(samples, reference):
            raise MatlError(
                f"arm {cell.arm}, regime {cell.regime}, seed {cell.seed}: its test images, their "
                f"labels or patients are not those of arm {other.arm}, regime {other.regime}, seed "
                f"{other.seed}, but an ablation compares diagnoses of the same images; give "
                f"stages.{plan.chain[-1].name}.data the same data set, options and positive class "
                "everywhere, whatever the arm, the regime and the seed"
            )


def _tested_alike(one: Samples, other: Samples) -> bool:
    if (one.classes, one.positive) != (other.classes, other.positive):
        return False
    tables = [samples.table[samples.table["split"] == "test"] for samples in (one, other)]
    first, second = (
        table[list(COLUMNS)].sort_values(["source", "path"]).to_numpy() for table in tables
    )
    return np.array_equal(first, second)


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


def _steps(stage: PlannedStage) -> int:
    """Of an epoch: full batches, or one where the images are fewer."""
    images = len(stage.training)
    return max(images // stage.config.batch_size, 1)
