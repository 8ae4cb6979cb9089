"""The names of the built-in data sets, and the functions behind names and import paths."""

import inspect
from collections.abc import Callable, Mapping

from data_modules.errors import DataError, did_you_mean
from data_modules.imports import load_object
from data_modules.samples import Samples

Index = Callable[..., Samples]

DATASETS = {
    "covid_ct": "data_modules.sets.covid_ct:index",
    "chest_xray_pneumonia": "data_modules.sets.chest_xray_pneumonia:index",
    "sarscov2_ct": "data_modules.sets.sarscov2_ct:index",
    "mosmed_slices": "data_modules.sets.mosmed_slices:index",
    "covidx_ct": "data_modules.sets.covidx_ct:index",
    "nih_chest_xray14": "data_modules.sets.nih_chest_xray14:index",
    "chexpert": "data_modules.sets.chexpert:index",
    "medmnist": "data_modules.sets.medmnist:index",
    "luna16_slices": "data_modules.sets.luna16_slices:index",
    "luna16_patches": "data_modules.sets.luna16_patches:index",
    "natural_images": "data_modules.sets.natural_images:index",
    "tiny_imagenet": "data_modules.sets.tiny_imagenet:index",
    "cifar10": "data_modules.sets.cifar10:index",
    "cifar100": "data_modules.sets.cifar100:index",
    "folder": "data_modules.sets.folder:index",
    "csv": "data_modules.sets.csv_table:index",
    "phantom_shapes": "data_modules.phantom:index_shapes",
    "phantom_xray": "data_modules.phantom:index_xray",
    "phantom_patches": "data_modules.phantom:index_patches",
    "phantom_ct": "data_modules.phantom:index_ct",
    "phantom_null": "data_modules.phantom:index_null",
}
"""Import path of the function behind each built-in name."""


def list_data_sets() -> dict[str, str]:
    """The built-in data sets: a line on each by its name."""
    return {name: (inspect.getdoc(find_index(name)) or "").split("\n")[0] for name in DATASETS}


def find_index(name: str) -> Index:
    """The function that indexes a data set.

    Args:
        name: A built-in name, or the import path of a function from outside, as in
            `mypkg.scans:index`. It takes the data set's folder and returns `Samples`; its further
            parameters are the data set's options, but for `split_seed`, which is the split's.

    Raises:
        DataError: Where there is no such name, module or function.
    """
    if name not in DATASETS and ":" not in name:
        nearest = did_you_mean(name, DATASETS)
        raise DataError(
            f"data.name: no data set '{name}'; {nearest} (or give the import path of a function, "
            "as in mypkg.scans:index)"
        )
    try:
        index = load_object(DATASETS.get(name, name))
    except DataError as error:
        raise DataError(f"data.name: {error}") from error
    if not callable(index) or not parameters_of(index):
        raise DataError(f"data.name: '{name}' is no function that takes the data set's folder")
    return index


def parameters_of(index: Index) -> Mapping[str, inspect.Parameter]:
    """The parameters, with annotations as types also where the module writes them as texts."""
    for eval_str in (True, False):
        try:
            return inspect.signature(index, eval_str=eval_str).parameters
        except (NameError, AttributeError, SyntaxError, TypeError, ValueError):
            continue
    return {}
