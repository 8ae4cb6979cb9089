"""Makes the shipped table: `python -m matl.backbones.make_table` after an upgrade of a library."""

from importlib.metadata import version

import timm
from rich.progress import track

from matl.backbones import monai_networks
from matl.backbones.lookup import look_up
from matl.backbones.network_table import FILE, Table
from matl.backbones.optimizers import Unusable, list_optimizers, take_step
from matl.errors import MatlError
from matl.files import replace_file


def make_table() -> Table:
    """Looks up every network and optimizer of the installed versions; takes many minutes."""
    names = [*timm.list_models(), *monai_networks.NAMES]
    networks = {name: _row(name) for name in track(names, "looking up networks")}
    optimizers = {name: _can_step(name) for name in list_optimizers()}
    return Table(version("timm"), version("monai"), networks, optimizers)


def _row(name: str) -> dict[str, object] | None:
    """A network's row, or None where it cannot be a backbone."""
    try:
        return look_up(name).to_row()
    except MatlError:
        return None


def _can_step(name: str) -> bool:
    try:
        return take_step(name)
    except Unusable:
        return False


if __name__ == "__main__":
    replace_file(FILE, make_table().to_text().encode())
