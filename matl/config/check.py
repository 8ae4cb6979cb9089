"""Checks of values: each setting by its declared range, then settings together."""

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from data_modules.config import DataConfig
from data_modules.errors import DataError, did_you_mean
from data_modules.formats.windows import count_windows
from data_modules.registry import check_config as check_data
from data_modules.samples import not_utf_8
from matl.backbones import BackboneConfig
from matl.backbones import check_config as check_backbone
from matl.backbones.maps import feature_maps
from matl.backbones.network_table import FeatureMaps
from matl.backbones.optimizers import optimizer_problem
from matl.config.schema import Experiment
from matl.errors import MatlError, SettingError
from matl.stages.check import faults_of
from matl.stages.registry import task_of
from matl.stages.settings import StageConfig, size_pair

MOST_WHOLE = 2**53
"""The largest number up to which JSON and floats keep every whole number."""
LEAST_SIDE, MOST_SIDE = 32, 1024
LONGEST_NAME = 100  # bytes: a file name has at most 255, and names are joined


def check_experiment(experiment: Experiment) -> None:
    """Checks an experiment's values.

    Raises:
        SettingError: The first setting that is wrong.
    """
    _check_ranges(experiment, [])
    _check_texts(experiment, [])
    for name in (experiment.name, *experiment.stages):
        if not re.fullmatch(r"[\w.+-]+", name) or name.startswith("."):
            keys = ["name"] if name == experiment.name else ["stages", name]
            raise SettingError(keys, f"{name!r} is no name; use letters, digits, and . _ + -")
        check_length(name, ["name"] if name == experiment.name else ["stages", name])
    _check_chain(experiment)
    _check_trainer(experiment)
    layout = _check_backbone(experiment)
    for name, stage in experiment.stages.items():
        _check_stage(stage, experiment.backbone, ["stages", name])
        if stage.layer_decay < 1 and not layout.names_layers:
            network = experiment.backbone.name
            message = f"timm does not name the layers of {network}; set it to 1, in a recipe, too"
            raise SettingError(["stages", name, "layer_decay"], message)
        if layout.only_size not in (None, size_pair(stage.size)):
            height, width = layout.only_size
            message = f"{experiment.backbone.name} takes images of {height} x {width} pixels only"
            raise SettingError(["stages", name, "size"], message)
        if experiment.backbone.operator == "none" and "operators" in stage.transfer:
            message = f"{stage.transfer!r} carries nothing: backbone.operator is none"
            raise SettingError(["stages", name, "transfer"], message)


def check_length(name: str, keys: list[str]) -> None:
    """Refuses a name that is too long for the names of files that are made of it."""
    length = len(name.encode())
    if length > LONGEST_NAME:
        raise SettingError(keys, f"the name is {length} bytes long; use at most {LONGEST_NAME}")


def _check_texts(value: Any, keys: list[str]) -> None:
    """Refuses a text that no file can hold, as a path that is not UTF-8, before anything trains."""
    if isinstance(value, str) and not_utf_8([value]) is not None:
        raise SettingError(keys or ["experiment"], f"{value!a} is not UTF-8; rename it")
    if is_dataclass(value):
        value = {item.name: getattr(value, item.name) for item in fields(value)}
    if isinstance(value, dict):
        for name, node in value.items():
            _check_texts(name, keys)
            _check_texts(node, [*keys, ascii(name)[1:-1]])
    elif isinstance(value, list | tuple):
        for node in value:
            _check_texts(node, keys)


def _check_ranges(section: Any, keys: list[str]) -> None:
    for item in fields(section):
        value = getattr(section, item.name)
        at = [*keys, item.name]
        if is_dataclass(value):
            _check_ranges(value, at)
        elif isinstance(value, dict):
            for name, node in value.items():
                if is_dataclass(node):
                    _check_ranges(node, [*at, name])
        else:
            for each in value if isinstance(value, list) else [value]:
                _check_range(each, item.metadata, at)


def _check_range(value: Any, declared: Any, keys: list[str]) -> None:
    refused = declared.get("refused", {})
    if isinstance(value, str) and (reason := refused.get(value)):
        raise SettingError(keys, f"{value!r} is not possible: {reason}")
    choices = declared.get("choices")
    if choices is not None and value not in choices:
        raise SettingError(keys, f"{value!r} is not possible; {did_you_mean(str(value), choices)}")
    if type(value) is int and abs(value) > MOST_WHOLE:
        said = f"{value} is not possible" if abs(value) < 10**40 else "is not possible"
        raise SettingError(keys, f"{said}; it must be at most {MOST_WHOLE}")
    for name, wrong, words in (
        ("least", lambda bound: value < bound, "at least"),
        ("most", lambda bound: value > bound, "at most"),
        ("above", lambda bound: value <= bound, "above"),
    ):
        if name in declared and not _is_number(value):
            raise SettingError(keys, f"{value!r} is no number")
        if name in declared and wrong(declared[name]):
            raise SettingError(
                keys, f"{value} is not possible; it must be {words} {declared[name]}"
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value and abs(value) != float("inf")


def _check_chain(experiment: Experiment) -> None:
    chain = experiment.chain
    if not chain:
        raise SettingError(["chain"], "is empty; list the stages in their order, a diagnosis last")
    for name in chain:
        if not isinstance(name, str):
            raise SettingError(["chain"], f"{name!r} is no name of a stage; write chain: [a, b]")
        if name not in experiment.stages:
            hint = did_you_mean(name, experiment.stages)
            raise SettingError(["chain"], f"'{name}' is no stage; {hint}")
    if len(set(chain)) < len(chain):
        raise SettingError(["chain"], "names a stage twice; give the second one a name of its own")
    if not task_of(experiment.stages[chain[-1]]).diagnoses:
        raise SettingError(["chain"], f"ends in '{chain[-1]}', which is no diagnosis")
    parts = [experiment.stages[name].part for name in chain]
    if parts != sorted(parts):
        raise SettingError(["chain"], f"runs through the parts {parts}; they must not go back")


def _check_trainer(experiment: Experiment) -> None:
    for name in ("devices", "threads"):
        value = getattr(experiment.trainer, name)
        if value != "auto" and not (type(value) is int and value >= 1):
            raise SettingError(
                ["trainer", name], f"{value!r} is not possible; write auto or a count"
            )
    if experiment.trainer.nodes > 1 and experiment.trainer.auto_batch:
        raise SettingError(
            ["trainer", "auto_batch"], "is for one node; name a batch_size that fits"
        )
    if experiment.trainer.nodes > 1 and experiment.trainer.max_restarts:
        message = "is for one node; on several, torchrun --max-restarts starts matl again"
        raise SettingError(["trainer", "max_restarts"], message)


def _check_backbone(experiment: Experiment) -> FeatureMaps:
    try:
        check_backbone(experiment.backbone)
    except MatlError as error:
        key = str(error).partition(":")[0].split(" ")[0].split(".")
        raise SettingError(key, str(error), str(error)) from error
    return feature_maps(experiment.backbone.name)


def _check_stage(stage: StageConfig, backbone: BackboneConfig, keys: list[str]) -> None:
    strides = tuple(feature_maps(backbone.name).channels)
    _check_size(stage.size, [*keys, "size"])
    _check_crop(stage.views.crop, [*keys, "views", "crop"])
    _check_optimizer(stage.optimizer, [*keys, "optimizer"])
    _check_data(stage.data, [*keys, "data"])
    _check_windows(stage.data, backbone, [*keys, "data", "window"])
    _check_spacing(stage, [*keys, "fit"])
    if stage.average > stage.epochs:
        message = f"{stage.average} is more than the stage's {stage.epochs} epochs"
        raise SettingError([*keys, "average"], message)
    if stage.freeze not in ("none", "all", *strides) or type(stage.freeze) not in (str, int):
        message = (
            f"{stage.freeze!r} is not possible; write none, all, or a stride; {_listed(strides)}"
        )
        raise SettingError([*keys, "freeze"], message)
    if stage.freeze in ("all", max(strides)) and not task_of(stage).diagnoses:
        message = f"{stage.freeze}: nothing that travels to the next stage would train"
        raise SettingError([*keys, "freeze"], message)
    try:
        with faults_of(task := task_of(stage), "check_settings"):
            task.check_settings(stage, strides)
        with faults_of(task, "check_network"):
            task.check_network(stage, backbone)
    except SettingError as error:
        raise error.under(*keys) from error


def _check_size(size: Any, keys: list[str]) -> None:
    sides = size if isinstance(size, list) else [size]
    right = len(sides) in (1, 2) and all(
        isinstance(side, int) and LEAST_SIDE <= side <= MOST_SIDE for side in sides
    )
    if not right or (isinstance(size, list) and len(size) != 2):
        message = f"write pixels from {LEAST_SIDE} to {MOST_SIDE}, as 128 or [height, width]"
        raise SettingError(keys, f"{size!r} is not possible; {message}")


def _check_crop(crop: list[float], keys: list[str]) -> None:
    if len(crop) != 2 or crop[0] > crop[1]:
        raise SettingError(
            keys, f"{crop} is not possible; write [least, largest] share of the area"
        )


def _check_optimizer(name: str, keys: list[str]) -> None:
    if problem := optimizer_problem(name):
        raise SettingError(keys, problem)


def _check_data(data: DataConfig, keys: list[str]) -> None:
    try:
        check_data(data)
    except DataError as error:
        reason = str(error)
        if "has no option" in reason:
            options = ".".join([*keys, "options"])
            reason += f" (settings are joined; {options}=null drops those of another data set)"
        raise SettingError(keys, reason, ".".join([*keys[:-1], reason])) from error


def _check_spacing(stage: StageConfig, keys: list[str]) -> None:
    members = [one for one in stage.data.union if isinstance(one, dict)]
    options = [stage.data.options, *(one.get("options") or {} for one in members)]
    if stage.fit == "stretch" and any(one.get("spacing") is not None for one in options):
        message = "stretch changes the spacing that data.options.spacing states; set crop or pad"
        raise SettingError(keys, message)


def _check_windows(data: DataConfig, backbone: BackboneConfig, keys: list[str]) -> None:
    windows = count_windows(data.window)
    if windows not in (1, backbone.in_channels):
        message = f"{windows} windows are as many channels: set backbone.in_channels={windows}"
        raise SettingError(keys, message)


def _listed(values: Iterable[Any]) -> str:
    return "known: " + ", ".join(str(value) for value in values)
