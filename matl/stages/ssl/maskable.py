"""Whether the places of a network's maps can be hidden, found by a look at what it computes."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._python_dispatch import TorchDispatchMode

from matl.backbones.maps import feature_maps
from matl.backbones.network import Network, empty_classifier
from matl.stages.ssl.masking import MIXING

PLACEWISE = {
    *("add", "mul", "cat", "split", "native_dropout", "detach", "alias", "clone"),
    *("relu", "hardtanh", "leaky_relu", "elu", "silu", "gelu", "hardswish", "mish", "tanh"),
}
"""Operations of torch that keep each value in its place, and 0 at 0."""


def find_unmaskable(name: str) -> str:
    """The first operation of a network that no masked pass knows, empty where there is none.

    The network is run on shapes alone. What is not done by a layer that `masking.hiding` changes
    must keep every value in its place.
    """
    maps = feature_maps(name)
    last = max(maps.channels)
    height, width = maps.only_size or (2 * last, 3 * last)
    with torch.device("meta"):
        network = Network(empty_classifier(name), maps, in_channels=3).eval()
        x = torch.empty(1, 3, height, width)
    watch = _Watch((height // last, width // last))
    for layer in network.modules():
        if isinstance(layer, (*MIXING, _BatchNorm)):
            layer.register_forward_pre_hook(watch.enter)
            layer.register_forward_hook(watch.leave)
    with torch.no_grad(), watch:
        for step, _ in network.steps:
            x = network.get_submodule(step)(x)
    return watch.found


class _Watch(TorchDispatchMode):
    """Watches the operations between layers.

    Attributes:
        found: The first one that is not known.
    """

    def __init__(self, patches: tuple[int, int]) -> None:
        super().__init__()
        self.patches = patches
        self.found = ""
        self._inside = False

    def enter(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """A layer begins that a masked pass changes."""
        self._inside = True

    def leave(self, layer: nn.Module, inputs: tuple[Tensor, ...], returned: Tensor) -> None:
        """It ends."""
        self._inside = False
        if not self._is_map(returned):
            self.found = self.found or type(layer).__name__

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Notes an operation that is not known."""
        returned = func(*args, **(kwargs or {}))
        if not self._inside and not self.found:
            name = func.overloadpacket.__name__.rstrip("_")
            if name not in PLACEWISE or not self._keeps_places(name, args, returned):
                self.found = name
        return returned

    def _keeps_places(self, name: str, args: tuple[Any, ...], returned: Any) -> bool:
        maps = returned if isinstance(returned, list | tuple) else [returned]
        shapes = {getattr(arg, "shape", None) for arg in args[:2]}
        return all(map(self._is_map, maps)) and (name != "add" or len(shapes) == 1)

    def _is_map(self, x: Tensor) -> bool:
        """Whether a tensor has as many places in each patch."""
        finer = [side / patches for side, patches in zip(x.shape[2:], self.patches, strict=False)]
        return x.ndim == 4 and finer[0] == finer[1] and finer[0] % 1 == 0
