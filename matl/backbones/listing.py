"""The networks that can be a backbone, as a list."""

from contextlib import suppress

from rich import box
from rich.table import Table

from data_modules.errors import did_you_mean
from matl.backbones.maps import feature_maps, library, network_names
from matl.backbones.network_table import FeatureMaps, shipped
from matl.backbones.wheels import IMAGENET, WHEELS
from matl.errors import MatlError


def list_networks(text: str = "") -> dict[str, FeatureMaps]:
    """The networks of timm and MONAI that can be a backbone, with their feature maps.

    Those of a library whose version the shipped table is not of are looked up one by one, which
    takes a second each the first time.

    Args:
        text: What a name must contain.
    """
    found = {}
    for name in network_names():
        table = shipped(library(name))
        if text in name and not (table and table.networks[name] is None):
            with suppress(MatlError):
                found[name] = feature_maps(name)
    return found


def networks_table(text: str = "") -> Table:
    """One row per network whose name contains a text."""
    table = Table("Network", "Strides", "Features", "Weights", box=box.SIMPLE_HEAD)
    networks = list_networks(text)
    for name, maps in networks.items():
        strides = ", ".join(str(stride) for stride in maps.channels)
        weights = IMAGENET if name in WHEELS else ""
        table.add_row(name, strides, f"{maps.num_features:,}", weights)
    hint = "" if networks else f"; {did_you_mean(text, network_names())}"
    table.caption = f"{len(networks):,} networks{hint}"
    return table
