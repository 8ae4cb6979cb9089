"""Where a network's feature maps are, found without importing timm wherever that is known."""

from functools import cache
from importlib.metadata import version

from matl.backbones import VERSION, monai_networks
from matl.backbones.network_table import FeatureMaps, shipped
from matl.kept import kept


def library(name: str) -> str:
    """The package that a network is of: `timm` or `monai`."""
    return "monai" if name.startswith(monai_networks.PREFIX) else "timm"


@cache
def feature_maps(name: str) -> FeatureMaps:
    """The feature maps of a network: of the table, of an earlier look, or its library's own.

    Raises:
        MatlError: The network is not one sequence of convolutional stages, or takes neither images
            of every size nor of one declared size.
    """
    table = shipped(of := library(name))
    row = table.networks.get(name) if table else None
    if row is None:
        question = f"feature maps of {name}, matl {VERSION}, {of} {version(of)}"
        row = kept(question, lambda: _look_up(name))
    return FeatureMaps.from_row(row)


def network_names() -> list[str]:
    """The names of all networks of timm and MONAI's, those included that cannot be a backbone."""
    if table := shipped("timm"):
        of_timm = [name for name in table.networks if library(name) == "timm"]
    else:
        of_timm = kept(f"networks of timm {version('timm')}", _list_networks)
    return [*of_timm, *monai_networks.NAMES]


def _look_up(name: str) -> dict[str, object]:
    from matl.backbones.lookup import look_up

    return look_up(name).to_row()


def _list_networks() -> list[str]:
    import timm

    return timm.list_models()
