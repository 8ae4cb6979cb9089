"""From a YAML file to a checked ablation."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from data_modules.errors import did_you_mean
from matl.ablation.schema import OFFICIAL, SCRATCH, Ablation, Regime, Split
from matl.config.check import check_length
from matl.config.declared import Keys, refuse_other_shape
from matl.config.layers import declared, merge, origin, read_layers
from matl.config.typed import refuse_unknown_keys, structured
from matl.errors import MatlError, SettingError
from matl.evaluation.metrics import LESS_IS_BETTER, METRICS


def load_ablation(path: Path) -> Ablation:
    """Reads an ablation and checks every key; `experiment` is then a path from here.

    Raises:
        MatlError: one line that names the file, the key, and how to fix it.
    """
    layers = declared(read_layers(path, []), Ablation, _open_kinds)
    try:
        raw = merge(layers)
        refuse_unknown_keys(raw, Ablation, [])
        for key in ("arms", "regimes", "splits"):
            if not isinstance(raw.get(key, {}), DictConfig | dict):
                raise SettingError([key], "must map names to settings")
        ablation: Ablation = _of_right_shape(Ablation, raw)
        ablation.regimes = {name: _regime(name, node) for name, node in ablation.regimes.items()}
        splits = ablation.splits or {OFFICIAL: {}}
        ablation.splits = {name: _split(name, node) for name, node in splits.items()}
        _check(ablation)
        diagnosis = _last_stage(ablation.regimes)
    except SettingError as problem:
        raise MatlError(f"{origin(layers, problem.keys)}: {problem}") from problem
    ablation.experiment = str(path.parent / ablation.experiment)
    ablation.regimes = {SCRATCH: Regime([diagnosis]), **ablation.regimes}
    return ablation


def _open_kinds(keys: Keys) -> Any:
    """What stands where an ablation's schema has `Any`; a regime may be a chain alone."""
    match tuple(keys):
        case ("arms", _):
            return list[str]
        case ("regimes", _):
            return Regime
        case ("regimes", _, int()):
            return str
        case ("splits", _):
            return Split
    return None


def _regime(name: str, node: Any) -> Regime:
    node = {"chain": node} if isinstance(node, list) else node
    if isinstance(node, dict) and not _is_list_of_text(node.get("chain", [])):
        raise SettingError(["regimes", name, "chain"], "must list stages, as [natural, diagnosis]")
    return _typed(Regime, node, ["regimes", name])


def _split(name: str, node: Any) -> Split:
    split = _typed(Split, node or {}, ["splits", name])
    if split.folds == 1 or split.folds < 0 or split.repeats < 1:
        raise SettingError(["splits", name], "needs no folds, or 2 or more, and 1 repeat or more")
    if split.repeats > 1 and not split.folds:
        raise SettingError(["splits", name], "repeats the official split; repeats deal new folds")
    if split.over not in ("all", "train"):
        raise SettingError(["splits", name, "over"], f"{split.over!r} is neither all nor train")
    return split


def _typed(schema: type, node: Any, keys: list[str]) -> Any:
    if not isinstance(node, dict):
        raise SettingError(keys, f"{node!r} is no mapping of keys to values")
    raw = OmegaConf.create(node)
    try:
        refuse_unknown_keys(raw, schema, [])
        return _of_right_shape(schema, raw)
    except SettingError as error:
        raise error.under(*keys) from error


def _of_right_shape(schema: type, raw: DictConfig) -> Any:
    """A dataclass filled from settings; OmegaConf alone would take a list of lists for texts."""
    plain = OmegaConf.to_container(raw, resolve=False)
    refuse_other_shape(plain, [], schema, lambda keys: None)
    return structured(schema, raw, [])


def _check(ablation: Ablation) -> None:
    if not re.fullmatch(r"\w[\w.+-]*", ablation.name):
        raise SettingError(
            ["name"], f"{ablation.name!r} is no name; use letters, digits, and . _ + -"
        )
    check_length(ablation.name, ["name"])
    for key in ("arms", "regimes", "seeds"):
        if not getattr(ablation, key):
            raise SettingError([key], "is empty")
    if len(set(ablation.seeds)) < len(ablation.seeds):
        raise SettingError(["seeds"], f"{ablation.seeds} names a seed twice")
    _check_fractions(ablation.fractions)
    for name, overrides in ablation.arms.items():
        if not _is_list_of_text(overrides):
            raise SettingError(
                ["arms", name], "must be a list of overrides, as [backbone.operator=none]"
            )
    if SCRATCH in ablation.regimes:
        raise SettingError(["regimes", SCRATCH], "is always there; leave it out")
    for name, regime in ablation.regimes.items():
        _check_against(name, regime, ablation.regimes)
    _check_analysis(ablation)


def _check_fractions(fractions: Sequence[float]) -> None:
    if not all(0 < fraction <= 1 for fraction in fractions):
        raise SettingError(["fractions"], f"{fractions} must be shares above 0 and up to 1")
    if len(set(fractions)) < len(fractions):
        raise SettingError(["fractions"], f"{fractions} names a share twice")
    if 1.0 not in fractions:
        raise SettingError(["fractions"], "needs 1.0: the primary comparison has all labels")


def _check_against(name: str, regime: Regime, regimes: Mapping[str, Regime]) -> None:
    for other in regime.against:
        keys, others = ["regimes", name, "against"], [one for one in regimes if one != name]
        if other == SCRATCH:
            raise SettingError(keys, f"{SCRATCH} is always compared with; leave it out")
        if other not in others:
            raise SettingError(keys, f"there is no '{other}'; {did_you_mean(other, others)}")


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_analysis(ablation: Ablation) -> None:
    analysis = ablation.analysis
    arms = list(analysis.comparison)
    if not _is_list_of_text(arms) or len(arms) not in (1, 2) or len(set(arms)) < len(arms):
        raise SettingError(["analysis", "comparison"], "must name one arm, or two different ones")
    places: list[tuple[str, str, Sequence[str]]] = [
        ("regime", analysis.regime, list(ablation.regimes)),
        ("split", analysis.split, list(ablation.splits)),
        ("metric", analysis.metric, list(METRICS)),
        *(("comparison", arm, list(ablation.arms)) for arm in analysis.comparison),
    ]
    for key, value, known in places:
        if value not in known:
            raise SettingError(
                ["analysis", key], f"there is no '{value}'; {did_you_mean(value, known)}"
            )
    if not (math.isfinite(analysis.margin) and analysis.margin >= 0):
        raise SettingError(["analysis", "margin"], f"{analysis.margin} must be 0 or more")
    if analysis.metric in LESS_IS_BETTER:
        raise SettingError(
            ["analysis", "metric"], f"less of '{analysis.metric}' is better; name one to gain in"
        )


def _last_stage(regimes: Mapping[str, Regime]) -> str:
    last = {name: regime.chain[-1] for name, regime in regimes.items() if regime.chain}
    if len(set(last.values())) != 1 or len(last) < len(regimes):
        raise SettingError(["regimes"], "every chain must end in the same diagnosis")
    return next(iter(last.values()))
