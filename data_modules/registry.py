"""Find a data set by name, index it, and split it as its settings say."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_origin

from data_modules.audit.alike import hold_alike_together
from data_modules.audit.boxes import Boxes
from data_modules.catalogue import DATASETS as DATASETS
from data_modules.catalogue import find_index as find_index
from data_modules.catalogue import list_data_sets as list_data_sets
from data_modules.catalogue import parameters_of
from data_modules.choosing import choose_slices
from data_modules.clean_splits import take_clean
from data_modules.config import DataConfig
from data_modules.errors import DataError, did_you_mean, fault
from data_modules.file_hashes import FileHashes
from data_modules.formats.windows import window_levels
from data_modules.levels import checked_range, with_levels
from data_modules.samples import Samples
from data_modules.sets.union import join
from data_modules.slices import slices_of
from data_modules.spacing import checked_spacing, with_spacing
from data_modules.splits import keep_labels, kfold, leak_notes
from data_modules.thinning import check_thin

WHOLE_UNION = ("union", "positive", "on_bad_image", "label_fraction", "label_seed", "thin")
NOT_OPTIONS = ("split_seed", "memo")
OF_SCANS = ("folder", "csv")
"""The data sets with the options `range`, `slices` and `spacing`."""


def option_type(name: str, key: str) -> Any:
    """The type that a data set declares for one of its options; None where it declares none."""
    try:
        parameter = parameters_of(find_index(name)).get(key)
    except DataError:
        return None
    return (
        None
        if parameter is None or parameter.annotation is parameter.empty
        else parameter.annotation
    )


def load(
    config: DataConfig,
    data_root: Path,
    indexed: dict[Any, Samples] | None = None,
    hashes: FileHashes | None = None,
    *,
    unsplit: bool = False,
    boxes: Boxes | None = None,
) -> Samples:
    """Index the data set, or the union, that `config` names, and split it.

    Where each image counts as a patient for want of any name, those that are nearly alike are held
    together first.

    The split settings of a union are those of its members, as far as a member does not set its
    own; members without labels keep their official split under `split: kfold`. `thin` is left to
    whoever knows which of the images are used.

    Args:
        config: The settings.
        data_root: The folder of data sets, for those that set no `root`.
        indexed: What earlier calls indexed, which is not read again; new data sets are added.
        hashes: What hashes the files to find those that are alike; None remembers nothing.
        unsplit: Whether the split does not matter to the caller, who takes all images alike.
        boxes: What finds the box of an image's content, in which they are compared, too, and says
            which slices show lungs.

    Raises:
        DataError: Where a setting or the data is wrong, in one line.
    """
    check_config(config)
    indexed = {} if indexed is None else indexed
    if config.union:
        samples = _load_union(config, Path(data_root), indexed, hashes, boxes)
    else:
        samples = _together(config, Path(data_root), indexed, hashes, boxes, unsplit)
        samples = samples if unsplit else _split(samples, config)
    samples = keep_labels(samples, config.label_fraction, config.label_seed)
    if config.positive:
        samples = replace(samples, positive=_class_named(config.positive, samples.classes))
    return samples


def members_of(config: DataConfig) -> list[DataConfig]:
    """The settings of each data set: of a union's members, or of the one that is named."""
    return [_member(entry, config) for entry in config.union] or [config]


def root_of(config: DataConfig, data_root: Path) -> Path:
    """The folder of a data set that is no union."""
    folder = str(config.name).partition(":")[0].rpartition(".")[2]
    root = Path(config.root) if config.root is not None else data_root / folder
    return Path(os.path.expanduser(root))


def _class_named(positive: str, classes: Sequence[str]) -> str:
    """The class of a name, whether its letters are composed or, as on macOS, decomposed."""
    composed = {unicodedata.normalize("NFC", name): name for name in classes}
    return composed.get(unicodedata.normalize("NFC", positive), positive)


def check_config(config: DataConfig) -> None:
    """Check the settings of a data set, or of a union and its members, without reading data.

    Raises:
        DataError: The first setting that is wrong, with the nearest right one.
    """
    for entry in config.union:
        check_config(_member(entry, config))
    if (config.name is None) == (not config.union):
        raise DataError("data: give either `name` or `union`, and not both")
    if config.name is not None:
        _check_options(config)
    _check_split(config)
    window_levels(config.window)
    if config.name in OF_SCANS:
        checked_range(config.options.get("range"))
        slices_of(config.options.get("slices", "all"))
        checked_spacing(config.options.get("spacing"))
    check_thin(config.thin)


def _check_split(config: DataConfig) -> None:
    for key, known in {
        "split": ("official", "clean", "kfold"),
        "over": ("all", "train"),
        "on_bad_image": ("stop", "skip"),
    }.items():
        value = getattr(config, key)
        if value not in known:
            raise DataError(f"data.{key}: '{value}' is unknown; {did_you_mean(str(value), known)}")
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
    parameters = parameters_of(find_index(str(config.name)))
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    options = [key for key in list(parameters)[1:] if key not in NOT_OPTIONS]
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


def _index(
    config: DataConfig,
    data_root: Path,
    indexed: dict[Any, Samples],
    hashes: FileHashes | None,
    boxes: Boxes | None,
) -> Samples:
    key = _place(config, data_root)
    if key not in indexed:
        samples = _read_index(config, data_root, hashes)
        value_range = config.options.get("range") if config.name in OF_SCANS else None
        samples = with_levels(samples, config.window, value_range, hashes)
        slices = config.options.get("slices", "all") if config.name in OF_SCANS else "all"
        samples = choose_slices(samples, slices_of(slices), hashes, boxes)
        spacing = config.options.get("spacing") if config.name in OF_SCANS else None
        indexed[key] = with_spacing(samples, spacing)
    return indexed[key]


def _place(config: DataConfig, data_root: Path) -> tuple[Any, ...]:
    """What an index depends on."""
    asked = repr((config.options, config.window))
    return config.name, config.root, data_root, config.split_seed, asked


def _read_index(config: DataConfig, data_root: Path, hashes: FileHashes | None) -> Samples:
    name = str(config.name)
    index = find_index(name)
    given: dict[str, Any] = {}
    if "split_seed" in parameters_of(index):
        given["split_seed"] = config.split_seed
    if name in OF_SCANS and hashes is not None:
        given["memo"] = hashes.folder
    try:
        samples = index(root_of(config, data_root), **config.options, **given)
    except DataError:
        raise
    except Exception as error:  # a user's function may fail in any way
        if name in DATASETS:
            raise
        raise DataError(f"data.name: '{name}' fails ({fault(error)}); fix it there") from error
    if not isinstance(samples, Samples):
        raise DataError(f"data.name: '{name}' returns {type(samples).__name__}, not Samples")
    return samples


def _together(
    config: DataConfig,
    data_root: Path,
    indexed: dict[Any, Samples],
    hashes: FileHashes | None,
    boxes: Boxes | None,
    unsplit: bool = False,
) -> Samples:
    """The data set with images that are alike held together, where no patient is named."""
    redealt = config.split == "kfold"
    over = config.over if redealt else "all"
    key = (*_place(config, data_root), redealt, over, unsplit)
    if key not in indexed:
        samples = _index(config, data_root, indexed, hashes, boxes)
        if over == "train" and samples.classes:
            samples = samples.subset(samples.table["split"] == "train")
        indexed[key] = hold_alike_together(samples, hashes, redealt, unsplit, boxes)
    return indexed[key]


def _split(samples: Samples, config: DataConfig) -> Samples:
    if config.split == "clean":
        return take_clean(samples, str(config.name))
    if config.split == "official":
        return replace(samples, notes=(*samples.notes, *leak_notes(samples)))
    return kfold(
        samples,
        folds=config.folds,
        fold=config.fold,
        repeat=config.repeat,
        seed=config.split_seed,
        over=config.over,
    )


def _load_union(
    config: DataConfig,
    data_root: Path,
    indexed: dict[Any, Samples],
    hashes: FileHashes | None,
    boxes: Boxes | None,
) -> Samples:
    members = []
    for entry, settings in zip(config.union, members_of(config), strict=True):
        samples = _together(settings, data_root, indexed, hashes, boxes)
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
    inherited = ("window", "split", "over", "folds", "fold", "repeat", "split_seed")
    return DataConfig(**({key: getattr(config, key) for key in inherited} | dict(own)))
