"""The shipped table of what timm offers, for the one version of timm that it was made with.

`python -m matl.backbones.make_table` makes it. Where another version of timm is installed, the
table says nothing, and timm itself is asked.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

FILE = Path(__file__).with_name("networks.json")


@dataclass(frozen=True)
class FeatureMaps:
    """Where a network's feature maps are.

    Attributes:
        stride_of: The stride of the map that each of the named modules returns, finest map first.
        channels: The channels of the map at each stride.
        mean: What the network's pretrained weights expect the mean of red, green and blue to be,
            for images in [0, 1].
        std: Their standard deviations, likewise.
        only_size: The height and width, in pixels, that the network takes, or None for all.
        names_layers: Whether timm says how deep each weight lies, as `layer_decay` needs.
    """

    stride_of: dict[str, int]
    channels: dict[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    only_size: tuple[int, int] | None
    names_layers: bool

    def to_row(self) -> dict[str, Any]:
        """The maps as JSON holds them."""
        maps = [[module, at, self.channels[at]] for module, at in self.stride_of.items()]
        row = {"maps": maps, "mean": self.mean, "std": self.std, "names_layers": self.names_layers}
        return row if self.only_size is None else row | {"only_size": self.only_size}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """The maps of a row of the table."""
        size = row.get("only_size")
        return cls(
            stride_of={module: stride for module, stride, _ in row["maps"]},
            channels={stride: channels for _, stride, channels in row["maps"]},
            mean=tuple(row["mean"]),
            std=tuple(row["std"]),
            only_size=(size[0], size[1]) if size else None,
            names_layers=row["names_layers"],
        )


@dataclass(frozen=True)
class Table:
    """What one version of timm offers.

    Attributes:
        timm: The version.
        networks: The row of every network that can be a backbone here, and None for each that
            cannot, by timm's name.
        optimizers: Names of timm's optimizers, and whether each takes a step with what matl
            itself needs installed.
    """

    timm: str
    networks: dict[str, dict[str, Any] | None]
    optimizers: dict[str, bool]

    def to_text(self) -> str:
        """The table as JSON, one line per network."""
        rows = [f"{json.dumps(name)}: {_compact(row)}" for name, row in self.networks.items()]
        head = f'"timm": {json.dumps(self.timm)},\n"optimizers": {_compact(self.optimizers)}'
        return f'{{{head},\n"networks": {{\n' + ",\n".join(rows) + "\n}}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@cache
def shipped() -> Table | None:
    """The shipped table, or None where it was made with another timm than the installed one."""
    table = Table(**json.loads(FILE.read_text()))
    return table if table.timm == version("timm") else None
