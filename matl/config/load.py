"""From layers of settings to a typed, checked experiment."""

import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from data_modules.errors import did_you_mean
from matl.config.check import Problem, check_experiment
from matl.config.layers import first_line, merge, origin, read_layers
from matl.config.schema import TASKS, Experiment, StageConfig
from matl.errors import MatlError


def load_experiment(path: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Reads an experiment, follows `extends`, applies overrides and checks every key and value.

    Args:
        path: the experiment's YAML file.
        overrides: `key=value` texts, such as `stages.lung.epochs=50` or `chain=[diagnosis]`.

    Returns:
        The experiment; `stages` holds one typed dataclass a stage.

    Raises:
        MatlError: one line that names the file or override, the key, and how to mend it.
    """
    layers = read_layers(Path(path), overrides)
    try:
        experiment = _typed(merge(layers))
        check_experiment(experiment)
        _expand_home(experiment)
    except Problem as problem:
        place = origin(layers, problem.keys)
        raise MatlError(f"{place}: {problem}") from problem
    return experiment


def _expand_home(experiment: Experiment) -> None:
    """Replaces `~`, which a shell leaves as it is behind an equals sign."""
    sections: list[Any] = [experiment, experiment.backbone]
    sections += [stage.data for stage in experiment.stages.values()]
    for section in sections:
        for name in ("data_root", "store", "cache", "runs", "weights", "root"):
            if isinstance(path := getattr(section, name, None), str):
                setattr(section, name, os.path.expanduser(path))


def to_yaml(experiment: Experiment) -> str:
    """The whole resolved experiment as YAML that `load_experiment` reads back to the same."""
    return OmegaConf.to_yaml(OmegaConf.create(_plain(experiment)))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, list | tuple) else value


def _typed(raw: DictConfig) -> Experiment:
    refuse_unknown_keys(raw, Experiment, [])
    whole = structured(Experiment, raw, [])
    stages = whole.stages
    if not isinstance(stages, dict):
        raise Problem(["stages"], "must map names to stages")
    whole.stages = {name: _typed_stage(name, node) for name, node in stages.items()}
    return whole


def _typed_stage(name: str, node: Any) -> StageConfig:
    keys = ["stages", name]
    if not isinstance(node, dict):
        raise Problem(keys, "must be a mapping with `task`, `part`, `data` and `epochs`")
    task = node.get("task")
    if task not in TASKS:
        raise Problem([*keys, "task"], f"{task!r} is no task; {did_you_mean(str(task), TASKS)}")
    raw = OmegaConf.create(node)
    refuse_unknown_keys(raw, TASKS[task], keys)
    return structured(TASKS[task], raw, keys)


def structured(schema: type, raw: DictConfig, keys: list[str]) -> Any:
    """A dataclass filled from settings, with types checked.

    Raises:
        Problem: a value is missing or of another type.
    """
    try:
        merged = OmegaConf.structured(schema)
        merged.merge_with(raw)
        missing = OmegaConf.missing_keys(merged)
        if missing:
            key = min(missing)
            raise Problem([*keys, key], "is missing; give it a value")
        return OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        at = [part for part in (error.full_key or "").split(".") if part]
        raise Problem([*keys, *at], _in_plain_words(error)) from error


def _in_plain_words(error: OmegaConfBaseException) -> str:
    line = first_line(error)
    if "is not a ListConfig" in line:
        return "must be a list, as in [a, b]"
    return "needs a value" if line.startswith("Incompatible value 'None'") else line


def refuse_unknown_keys(raw: DictConfig, schema: type, keys: list[str]) -> None:
    """Checks that a dataclass has every key.

    Raises:
        Problem: the first key that it lacks, with the nearest that it has.
    """
    types = get_type_hints(schema)
    for key in raw:
        if key not in types:
            raise Problem([*keys, str(key)], f"is no key here; {did_you_mean(str(key), types)}")
        node = OmegaConf.to_container(raw, resolve=False)[key]  # type: ignore[call-overload,index]
        if not is_dataclass(types[key]) or _is_interpolation(node):
            continue
        if not isinstance(node, dict):
            raise Problem([*keys, str(key)], f"{node!r} is no mapping of keys to values")
        refuse_unknown_keys(OmegaConf.create(node), types[key], [*keys, str(key)])


def _is_interpolation(node: Any) -> bool:
    return isinstance(node, str) and node.startswith("${")
