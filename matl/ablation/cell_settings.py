"""What an ablation's cells set: as overrides that a user could type, and as whole experiments."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from data_modules.config import DataConfig
from matl.ablation.schema import Ablation
from matl.config import Experiment, load_experiment
from matl.config.check import check_experiment
from matl.config.layers import read_layers
from matl.errors import MatlError, SettingError
from matl.orchestrator.plan import Memo

Settings = dict[str, Any]
DEALT = ("split", "over", "folds", "repeat", "fold", "label_fraction", "label_seed")
"""The settings of the diagnosis's data that make the cells."""


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


@dataclass(frozen=True)
class CellSettings:
    """The settings of an ablation's cells.

    The cells of one arm and regime differ in a few settings only: the experiment's files are read
    once for them, these settings are replaced in what was read, and the result is checked again.

    Attributes:
        ablation: What is compared.
        overrides: The user's, for every cell.
        memo: Of plans of the same ablation and overrides.
    """

    ablation: Ablation
    overrides: Sequence[str]
    memo: Memo

    def words(self, cell: Cell) -> list[str]:
        """The overrides that make a cell with all labels out of the experiment."""
        return [*self._shared(cell), *_as_words(self._own(cell))]

    def experiment(self, cell: Cell, steps: Callable[[Experiment], int]) -> Experiment:
        """The experiment of a cell.

        With a fraction of the labels, the diagnosis has so many more epochs that its steps stay
        the same, up to half an epoch.

        Args:
            cell: The cell.
            steps: The steps of one epoch of an experiment's diagnosis.

        Raises:
            MatlError: An arm's, a regime's or the user's override is wrong.
        """
        own = self._own(cell)
        whole = self._with(cell, own)
        self._refuse_other_cell(cell, whole)
        if cell.fraction == 1:
            return whole
        diagnosis = f"stages.{whole.chain[-1]}"
        own[f"{diagnosis}.data.label_fraction"] = cell.fraction
        own[f"{diagnosis}.data.label_seed"] = cell.seed
        more = steps(whole) / steps(self._with(cell, own))
        epochs = whole.stages[whole.chain[-1]].epochs
        own[f"{diagnosis}.epochs"] = max(round(epochs * more), 1)
        return self._with(cell, own)

    def _refuse_other_cell(self, cell: Cell, whole: Experiment) -> None:
        """Refuses an experiment that is not what the cell says, wherever that is written."""
        diagnosis = whole.chain[-1]
        data = whole.stages[diagnosis].data
        split = "kfold" if self.ablation.splits[cell.split].folds else "official"
        chain = self.ablation.regimes[cell.regime].chain
        own = {"seed": cell.seed, "ensemble": 1, "chain": chain}
        found = {"seed": whole.seed, "ensemble": whole.ensemble, "chain": whole.chain}
        at = f"stages.{diagnosis}.data"
        own |= {f"{at}.split": split, f"{at}.label_fraction": 1.0}
        found |= {f"{at}.split": data.split, f"{at}.label_fraction": data.label_fraction}
        for key in own:
            if own[key] != found[key]:
                raise MatlError(
                    f"{self.ablation.experiment}: {key}: is {found[key]}, but the ablation's cells "
                    f"say {own[key]}; leave it out, and write it in the ablation's file (seeds, "
                    "regimes, splits, fractions)"
                )
        for member in data.union:
            if dealt := [key for key in DEALT if isinstance(member, dict) and key in member]:
                raise MatlError(
                    f"{self.ablation.experiment}: {at}.union: a member sets {dealt[0]} by itself, "
                    "which the ablation's cells would not reach; leave it out"
                )

    def _shared(self, cell: Cell) -> list[str]:
        """The overrides of every cell of an arm and a regime."""
        regime = self.ablation.regimes[cell.regime]
        return [
            *self.ablation.overrides,
            *self.ablation.arms[cell.arm],
            *regime.overrides,
            f"chain=[{','.join(regime.chain)}]",
            "baselines=[]",
            "ensemble=1",
            *self.overrides,
        ]

    def _own(self, cell: Cell) -> Settings:
        """What a cell with all labels sets: every stage that sees the target is split alike."""
        split = self.ablation.splits[cell.split]
        if not split.folds:
            return {"seed": cell.seed}
        dealt = {
            "split": "kfold",
            "over": split.over,
            "folds": split.folds,
            "repeat": cell.repeat,
            "fold": cell.fold,
        }
        return {"seed": cell.seed} | {
            f"stages.{name}.data.{key}": value
            for name in _target_stages(self._read(cell))
            for key, value in dealt.items()
        }

    def _with(self, cell: Cell, own: Settings) -> Experiment:
        words = [*self._shared(cell), *_as_words(own)]
        if self._refers(cell):
            return load_experiment(self.ablation.experiment, words)
        experiment = self._read(cell)
        for key, value in own.items():
            experiment = _replaced(experiment, key.split("."), value)
        try:
            check_experiment(experiment)
        except SettingError:  # which the files and overrides, read as one, put into words
            return load_experiment(self.ablation.experiment, words)
        return experiment

    def _read(self, cell: Cell) -> Experiment:
        """What the cells of an arm and a regime share."""
        return self.memo.once(
            ("experiment", cell.arm, cell.regime),
            lambda: load_experiment(self.ablation.experiment, self._shared(cell)),
        )

    def _refers(self, cell: Cell) -> bool:
        """Whether settings follow from others, as in `split_seed: ${seed}`."""
        return any("${" in word for word in self._shared(cell)) or self.memo.once(
            "interpolated", lambda: _files_refer(Path(self.ablation.experiment))
        )


def _files_refer(file: Path) -> bool:
    return any("${" in OmegaConf.to_yaml(layer.content) for layer in read_layers(file, []))


def _as_words(settings: Settings) -> list[str]:
    return [f"{key}={value}" for key, value in settings.items()]


def _replaced(node: Any, keys: Sequence[str], value: Any) -> Any:
    """A copy of dataclasses and mappings with one setting replaced."""
    if not keys:
        return value
    first, *rest = keys
    if is_dataclass(node) and not isinstance(node, type):
        return replace(node, **{first: _replaced(getattr(node, first), rest, value)})
    return {**node, first: _replaced(node[first], rest, value)}


def _target_stages(experiment: Experiment) -> list[str]:
    """The diagnosis, and every stage that sees its images."""
    root, last = experiment.data_root, experiment.chain[-1]
    target = _folders(experiment.stages[last].data, root)
    return [
        name for name in experiment.chain if target & _folders(experiment.stages[name].data, root)
    ]


def _folders(data: DataConfig, data_root: str) -> set[str]:
    """The folders of a stage's data sets, each in its one form."""
    members: list[Any] = data.union or [{"name": data.name, "root": data.root}]
    named = [{"name": one} if isinstance(one, str) else one for one in members]
    folders = [one.get("root") or os.path.join(data_root, str(one.get("name"))) for one in named]
    return {os.path.realpath(os.path.expanduser(one)) for one in folders}
