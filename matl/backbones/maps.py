"""Where a network's feature maps are, found without importing timm wherever that is known."""

from functools import cache
from importlib.metadata import version

from matl.backbones.timm_table import FeatureMaps, shipped
from matl.kept import kept


@cache
def feature_maps(name: str) -> FeatureMaps:
    """The feature maps of timm's network `name`: of the table, of an earlier look, or timm's own.

    Raises:
        MatlError: The network is not one sequence of convolutional stages, or takes neither images
            of every size nor of one declared size.
    """
    table = shipped()
    row = table.networks.get(name) if table else None
    if row is None:
        row = kept(f"feature maps of {name}, timm {version('timm')}", lambda: _look_up(name))
    return FeatureMaps.from_row(row)


def network_names() -> list[str]:
    """The names of all of timm's networks, those included that cannot be a backbone."""
    if table := shipped():
        return list(table.networks)
    return kept(f"networks of timm {version('timm')}", _list_networks)


def _look_up(name: str) -> dict[str, object]:
    from matl.backbones.lookup import look_up

    return look_up(name).to_row()


def _list_networks() -> list[str]:
    import timm

    return timm.list_models()
