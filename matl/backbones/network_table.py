"""The shipped table of what timm and MONAI offer, for the versions that it was made with.

`python -m matl.backbones.make_table` makes it. Where another version of a library is installed, the
table says nothing of it, and the library itself is asked.
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
        tail: The modules that the last map passes through before the classifier pools it, in their
            order: EfficientNet's last convolution, or a last norm. They keep its size.
        num_features: The channels of what the tail returns.
        mean: What the network's pretrained weights expect the mean of red, green and blue to be,
            for images in [0, 1].
        std: Their standard deviations, likewise.
        only_size: The height and width, in pixels, that the network takes, or None for all.
        names_layers: Whether timm says how deep each weight lies, as `layer_decay` needs.
        depthwise: Whether there are depth-wise convolutions.
    """

    stride_of: dict[str, int]
    channels: dict[int, int]
    tail: tuple[str, ...]
    num_features: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    only_size: tuple[int, int] | None
    names_layers: bool
    depthwise: bool

    def to_row(self) -> dict[str, Any]:
        """The maps as JSON holds them."""
        maps = [[module, at, self.channels[at]] for module, at in self.stride_of.items()]
        row = {"maps": maps, "mean": self.mean, "std": self.std, "names_layers": self.names_layers}
        row |= {"tail": self.tail, "num_features": self.num_features} if self.tail else {}
        row |= {"only_size": self.only_size} if self.only_size else {}
        return row | ({"depthwise": True} if self.depthwise else {})

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """The maps of a row of the table."""
        size = row.get("only_size")
        channels = {stride: channels for _, stride, channels in row["maps"]}
        return cls(
            stride_of={module: stride for module, stride, _ in row["maps"]},
            channels=channels,
            tail=tuple(row.get("tail", ())),
            num_features=row.get("num_features", channels[max(channels)]),
            mean=tuple(row["mean"]),
            std=tuple(row["std"]),
            only_size=(size[0], size[1]) if size else None,
            names_layers=row["names_layers"],
            depthwise=row.get("depthwise", False),
        )


@dataclass(frozen=True)
class Table:
    """What one version of timm and of MONAI offers.

    Attributes:
        timm: The version of timm.
        monai: The version of MONAI.
        networks: The row of every network that can be a backbone here, and None for each that
            cannot, by name.
        optimizers: Names of timm's optimizers, and whether each takes a step with what matl
            itself needs installed.
    """

    timm: str
    monai: str
    networks: dict[str, dict[str, Any] | None]
    optimizers: dict[str, bool]

    def to_text(self) -> str:
        """The table as JSON, one line per network."""
        rows = [f"{json.dumps(name)}: {_compact(row)}" for name, row in self.networks.items()]
        versions = f'"timm": {json.dumps(self.timm)},\n"monai": {json.dumps(self.monai)}'
        head = f'{versions},\n"optimizers": {_compact(self.optimizers)}'
        return f'{{{head},\n"networks": {{\n' + ",\n".join(rows) + "\n}}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@cache
def shipped(library: str = "timm") -> Table | None:
    """The shipped table, or None where it was made with another version of `timm` or `monai`."""
    table = _read()
    return table if getattr(table, library) == version(library) else None


@cache
def _read() -> Table:
    return Table(**json.loads(FILE.read_text()))
