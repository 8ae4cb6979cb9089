"""Find a data set by name, index it, and split it as its settings say."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_origin

from data_modules import phantom
from data_modules.config import DataConfig
from data_modules.errors import DataError, did_you_mean
from data_modules.samples import Samples
from data_modules.sets import (
    chest_xray_pneumonia,
    covid_ct,
    csv_table,
    folder,
    luna16_patches,
    luna16_slices,
    natural_images,
)
from data_modules.sets.union import join
from data_modules.splits import keep_labels, kfold

DATASETS: dict[str, Callable[..., Samples]] = {
    "covid_ct": covid_ct.index,
    "chest_xray_pneumonia": chest_xray_pneumonia.index,
    "luna16_slices": luna16_slices.index,
    "luna16_patches": luna16_patches.index,
    "natural_images": natural_images.index,
    "folder": folder.index,
    "csv": csv_table.index,
    "phantom_shapes": phantom.index_shapes,
    "phantom_xray": phantom.index_xray,
    "phantom_ct": phantom.index_ct,
    "phantom_null": phantom.index_null,
}
WHOLE_UNION = ("union", "positive", "on_bad_image", "label_fraction", "label_seed")
NOT_OPTIONS = ("root", "split_seed")


def load(config: DataConfig, data_root: Path) -> Samples:
    """Index the data set, or the union, that `config` names, and split it.

    The split settings of a union are those of its members, as far as a member does not set its
    own; members without labels keep their official split under `split: kfold`.

    Args:
        config: The settings.
        data_root: The folder of data sets; a data set's folder is `data_root/name`.

    Raises:
        DataError: Where a setting or the data is wrong, in one line.
    """
    check_config(config)
    if config.union:
        samples = _load_union(config, Path(data_root))
    else:
        samples = _split(_index(config, Path(data_root)), config)
    samples = keep_labels(samples, config.label_fraction, config.label_seed)
    if config.positive is not None:
        samples = replace(samples, positive=config.positive)
    return samples


def check_config(config: DataConfig) -> None:
    """Check the settings of a data set, or of a union and its members, without reading data.

    Raises:
        DataError: The first setting that is wrong, with the nearest right one.
    """
    for entry in config.union:
        check_config(_member(entry, config))
    if config.name is not None and config.name not in DATASETS:
        nearest = did_you_mean(config.name, DATASETS)
        raise DataError(f"data.name: no data set '{config.name}'; {nearest}")
    if (config.name is None) == (not config.union):
        raise DataError("data: give either `name` or `union`, and not both")
    if config.name is not None:
        _check_options(config)
    _check_split(config)


def _check_split(config: DataConfig) -> None:
    for key, known in {
        "split": ("official", "kfold"),
        "over": ("all", "train"),
        "on_bad_image": ("stop", "skip"),
    }.items():
        value = getattr(config, key)
        if value not in known:
            raise DataError(f"data.{key}: '{value}' is none; {did_you_mean(str(value), known)}")
    if not 0 < config.label_fraction <= 1:
        raise DataError(f"data.label_fraction: {config.label_fraction} is not in (0, 1]")
    if config.split == "kfold":
        if config.folds < 2:
            raise DataError(f"data.folds: {config.folds} folds divide nothing; set 2 or more")
        if not 0 <= config.fold < config.folds:
            raise DataError(
                f"data.fold: there is no fold {config.fold} of {config.folds}; "
                f"set 0 to {config.folds - 1}"
            )
        if config.repeat < 0:
            raise DataError(f"data.repeat: {config.repeat} is negative; repeats count from 0")


def _check_options(config: DataConfig) -> None:
    parameters = inspect.signature(DATASETS[str(config.name)]).parameters
    options = [key for key in parameters if key not in NOT_OPTIONS]
    for key, value in config.options.items():
        if key not in options:
            raise DataError(
                f"data.options: {config.name} has no option '{key}'; "
                f"{did_you_mean(str(key), options)}"
            )
        expected = parameters[key].annotation
        if not _fits(value, expected):
            raise DataError(
                f"data.options.{key}: {config.name} expects {expected.__name__}, not {value!r}"
            )


def _fits(value: Any, expected: Any) -> bool:
    """Whether a value has the plain type of a parameter; other annotations fit everything."""
    if get_origin(expected) is dict:
        return isinstance(value, Mapping)
    if expected is float:
        return type(value) in (int, float)
    return expected not in (bool, int, str) or type(value) is expected


def _index(config: DataConfig, data_root: Path) -> Samples:
    index = DATASETS[str(config.name)]
    seeded = "split_seed" in inspect.signature(index).parameters
    seed = {"split_seed": config.split_seed} if seeded else {}
    root = Path(config.root) if config.root is not None else data_root / str(config.name)
    return index(Path(os.path.expanduser(root)), **config.options, **seed)


def _split(samples: Samples, config: DataConfig) -> Samples:
    if config.split == "official":
        return samples
    return kfold(
        samples,
        folds=config.folds,
        fold=config.fold,
        repeat=config.repeat,
        seed=config.split_seed,
        over=config.over,
    )


def _load_union(config: DataConfig, data_root: Path) -> Samples:
    members = []
    for entry in config.union:
        settings = _member(entry, config)
        samples = _index(settings, data_root)
        inherits = not (isinstance(entry, Mapping) and "split" in entry)
        members.append(samples if inherits and not samples.classes else _split(samples, settings))
    return join(members)


def _member(entry: Any, config: DataConfig) -> DataConfig:
    """The settings of a union's member: its own, else the union's where they are of the split."""
    own = {"name": entry} if isinstance(entry, str) else entry
    keys = {field.name: field.type for field in fields(DataConfig) if field.name not in WHOLE_UNION}
    if not isinstance(own, Mapping):
        raise DataError(
            f"data.union: {entry!r} is neither a name nor settings such as name: folder"
        )
    for key, value in own.items():
        if key not in keys:
            raise DataError(
                f"data.union: a member has no setting '{key}'; {did_you_mean(str(key), keys)}"
            )
        if not _fits(value, keys[key]):
            raise DataError(f"data.union: a member's {key} cannot be {value!r}")
    inherited = ("split", "over", "folds", "fold", "repeat", "split_seed")
    return DataConfig(**({key: getattr(config, key) for key in inherited} | dict(own)))
