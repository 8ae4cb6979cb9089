"""From layers of settings to a typed, checked experiment."""

import numbers
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import UnsupportedValueType

from data_modules.config import DataConfig
from data_modules.errors import did_you_mean
from data_modules.registry import option_type
from matl.config.check import check_experiment
from matl.config.declared import Keys, KindAt, is_text
from matl.config.layers import (
    Layer,
    declared,
    merge,
    origin,
    read_layers,
    refuse_other_shapes,
)
from matl.config.recipe_layers import with_recipes
from matl.config.schema import Experiment
from matl.config.typed import refuse_unknown_keys, structured
from matl.errors import MatlError, SettingError
from matl.stages.recipes import with_recipe
from matl.stages.registry import find_task
from matl.stages.settings import StageConfig


def load_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Reads an experiment, follows `extends`, applies overrides and checks every key and value.

    Args:
        path: The experiment's YAML file.
        overrides: `key=value` texts, such as `stages.lung.epochs=50` or `chain=[diagnosis]`.

    Returns:
        The experiment; `stages` holds one typed dataclass per stage.

    Raises:
        MatlError: One line that names the file or override, the key, and how to fix it.
    """
    if isinstance(overrides, str):
        raise MatlError(f"overrides: must be a list, as in [{overrides!r}]")
    layers = read_layers(Path(path), overrides)
    kinds = open_kinds(layers)
    layers = declared(layers, Experiment, kinds)
    refuse_other_shapes(layers, Experiment, kinds)
    layers = with_recipes(layers)
    try:
        return _checked(merge(layers))
    except SettingError as error:
        raise MatlError(f"{origin(layers, error.keys)}: {error}") from error


def open_kinds(layers: Sequence[Layer]) -> KindAt:
    """What stands where an experiment's schema has `Any`: stages, and members of a union."""
    stages = None
    with suppress(MatlError):  # said below, with its place
        merged: Any = OmegaConf.to_container(merge(layers), resolve=False)
        stages = merged.get("stages")
    schemas = {}
    for name, node in stages.items() if isinstance(stages, dict) else ():
        with suppress(SettingError):
            schemas[name] = find_task(node).settings if isinstance(node, dict) else None

    def kind(keys: Keys) -> Any:
        if len(keys) == 2 and keys[0] == "stages":
            return schemas.get(keys[1]) or StageConfig
        if len(keys) > 4 and keys[0] == "stages" and keys[-2] == "options":
            return _option_kind(stages, keys)
        return DataConfig if len(keys) == 5 and keys[2:4] == ("data", "union") else None

    return lambda keys: kind(tuple(keys))


def _option_kind(stages: Any, keys: Keys) -> Any:
    """The type of a data set's option where that is text; None elsewhere."""
    node = stages
    with suppress(KeyError, IndexError, TypeError):
        for key in keys[1:-2]:
            node = node[key]
        kind = option_type(node["name"], str(keys[-1])) if isinstance(node["name"], str) else None
        return kind if is_text(kind) else None
    return None


def checked(experiment: Experiment) -> Experiment:
    """A copy of an experiment that was built in Python, checked exactly as a file is.

    Args:
        experiment: Its stages may be dataclasses or mappings.

    Raises:
        SettingError: The first setting that is missing, unknown or wrong.
    """
    try:
        raw = OmegaConf.create(plain(experiment))
    except UnsupportedValueType as error:
        reason = f"{error.object_type_str or 'its value'} is no setting; write a text or a number"
        raise SettingError([str(error.full_key)], reason) from error
    return _checked(raw)


def to_yaml(experiment: Experiment) -> str:
    """The whole resolved experiment as YAML that `load_experiment` reads back to the same."""
    return OmegaConf.to_yaml(OmegaConf.create(plain(experiment)))


def plain(value: Any) -> Any:
    """Settings as plain dictionaries, lists and values, with what was set beside the fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in vars(value).items()}
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _checked(raw: DictConfig) -> Experiment:
    experiment = _typed(raw)
    check_experiment(experiment)
    _expand_home(experiment)
    return experiment


def _typed(raw: DictConfig) -> Experiment:
    refuse_unknown_keys(raw, Experiment, [])
    whole = structured(Experiment, raw, [])
    if not isinstance(whole.stages, dict):
        raise SettingError(["stages"], "must map names to stages")
    _refuse_strays(whole.stages)
    whole.stages = {name: typed_stage(name, node) for name, node in whole.stages.items()}
    return whole


def _refuse_strays(stages: dict[str, Any]) -> None:
    """Refuses a mistyped name in an override, which makes a stage of that name."""
    whole = [name for name, node in stages.items() if isinstance(node, dict) and "task" in node]
    for name, node in stages.items():
        if isinstance(node, dict) and "task" not in node and whole:
            reason = f"is missing; for a setting of another stage, {did_you_mean(name, whole)}"
            raise SettingError(["stages", name, "task"], reason)


def typed_stage(name: str, node: Any) -> StageConfig:
    """A stage's settings in the dataclass of its task.

    Raises:
        SettingError: The task is unknown, or a setting is missing, unknown or of another type.
    """
    keys = ["stages", str(name)]
    if not isinstance(node, dict):
        raise SettingError(keys, "must be a mapping with `task`, `part`, `data` and `epochs`")
    try:
        schema = find_task(node).settings
    except SettingError as error:
        raise error.under(*keys) from error
    try:
        raw = OmegaConf.create(with_recipe(node))
    except SettingError as error:
        raise error.under(*keys) from error
    refuse_unknown_keys(raw, schema, keys)
    return structured(schema, raw, keys)


def _expand_home(experiment: Experiment) -> None:
    """Replaces `~`, which a shell leaves as it is after an equals sign."""
    sections: list[Any] = [experiment, experiment.backbone]
    sections += [stage.data for stage in experiment.stages.values()]
    for section in sections:
        for name in ("data_root", "store", "cache", "runs", "weights", "root"):
            if isinstance(path := getattr(section, name, None), str):
                setattr(section, name, os.path.expanduser(path))
