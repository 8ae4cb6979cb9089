"""MONAI's two-dimensional networks that give feature maps at strides, as MONAI sets them up.

Nothing here imports torch or MONAI before a network is made.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

PREFIX = "monai/"
"""What sets the name of a network of MONAI's apart from timm's, as in "monai/densenet121"."""

_MAKERS = {
    **{f"densenet{depth}": f"DenseNet{depth}" for depth in (121, 169, 201, 264)},
    **{f"resnet{depth}": f"resnet{depth}" for depth in (10, 18, 34, 50, 101, 152, 200)},
    "senet154": "SENet154",
    **{f"seresnet{depth}": f"SEResNet{depth}" for depth in (50, 101, 152)},
    **{f"seresnext{depth}": f"SEResNext{depth}" for depth in (50, 101)},
}
"""Their names in `monai.networks.nets`."""

NAMES = tuple(PREFIX + name for name in _MAKERS)

_BLOCKS = ("layer1", "layer2", "layer3", "layer4")
_DENSE_BLOCKS = tuple(f"features.denseblock{number}" for number in (1, 2, 3))


def make(name: str, in_channels: int) -> "nn.Module":
    """The network with its classification head, and weights drawn from torch's global state."""
    from monai.networks import nets

    short = name.removeprefix(PREFIX)
    options: dict[str, Any] = {"spatial_dims": 2}
    options["n_input_channels" if short.startswith("resnet") else "in_channels"] = in_channels
    if short.startswith("densenet"):
        options["out_channels"] = 1
    return getattr(nets, _MAKERS[short])(**options)


def places(name: str) -> tuple[str, ...]:
    """The modules that return feature maps, finest map first; each is the last of its stride."""
    short = name.removeprefix(PREFIX)
    if short.startswith("densenet"):
        return ("features.relu0", *_DENSE_BLOCKS, "class_layers.relu")
    if short.startswith("resnet"):
        return ("act", *_BLOCKS)
    return ("layer0.relu3" if short == "senet154" else "layer0.relu1", *_BLOCKS)
