"""The attentive backbone: a convolutional network with operators between its stages."""

from typing import Self

from torch import Tensor, nn

from matl.backbones.checks import check_config
from matl.backbones.config import BackboneConfig
from matl.backbones.foreign import load_initial_weights, load_whole
from matl.backbones.imagenet import read_imagenet
from matl.backbones.maps import feature_maps
from matl.backbones.network import Network, build_network
from matl.backbones.operators import GATE_FROM_SCRATCH, Operator, build_operator
from matl.backbones.wheels import IMAGENET
from matl.seeding import draw_by_name, seeded


class AttentiveBackbone(nn.Module):
    """Feature maps of a network whose chosen stages each end in an operator.

    The output of an operator is what the next stage of the network receives, and behind the last
    stage its tail, as EfficientNet's last convolution.

    Attributes:
        name: The network's name, as in the settings.
        channels: The channels of the map at each stride, finest map first; at the last stride those
            behind the tail.
        last_stride: The stride of the coarsest map.
        num_features: The channels of the map at the last stride.
        in_channels: The channels of the images.
        operators: The inserted operators by stride, as in `operators["16"]`.

    Example:
        >>> backbone = build_backbone(BackboneConfig("resnet18"), seed=0)
        >>> backbone(torch.rand(2, 1, 96, 128))[32].shape
        torch.Size([2, 512, 3, 4])
    """

    def __init__(
        self,
        network: Network,
        operators: dict[int, Operator],
        channels: dict[int, int],
        in_channels: int,
        name: str,
    ) -> None:
        super().__init__()
        self.name = name
        self.network = network
        self.operators = nn.ModuleDict({str(stride): op for stride, op in operators.items()})
        self.channels = channels
        self.last_stride = max(channels)
        self.num_features = channels[self.last_stride]
        self.in_channels = in_channels
        self._frozen: list[str] = []

    def freeze(self, until: int) -> None:
        """Stops the training of all layers up to the map at a stride, its operator included.

        The last stride includes the tail behind its operator.
        Their norms keep their running statistics, and nothing is dropped in them.
        """
        for name, stride in self.network.steps:
            self._frozen.append(f"network.{name}")
            if str(stride) in self.operators:
                self._frozen.append(f"operators.{stride}")
            if stride == until < self.last_stride:
                break
        for name in self._frozen:
            self.get_submodule(name).requires_grad_(False)
        self.train(self.training)

    @property
    def last_module(self) -> str:
        """The name of the module that returns the last map."""
        name, stride = self.network.steps[-1]
        return f"operators.{stride}" if str(stride) in self.operators else f"network.{name}"

    def train(self, mode: bool = True) -> Self:
        """Sets the mode of training; frozen layers stay in that of evaluation."""
        super().train(mode)
        for name in self._frozen:
            self.get_submodule(name).eval()
        return self

    def forward(self, images: Tensor) -> dict[int, Tensor]:
        """Computes the feature maps of a batch of images.

        Args:
            images: float [B, in_channels, H, W] in [0, 1], of any size from 32 x 32; they are
                normalised here.

        Returns:
            The map at each stride s, float [B, channels[s], ~H/s, ~W/s], behind its operator, and
            at the last stride behind the network's tail too.

        Raises:
            ValueError: The images do not have `in_channels` channels, or are no floats.
        """
        if not images.is_floating_point():
            raise ValueError(
                f"the backbone takes floats in [0, 1], not {images.dtype}; matl.views.plain_view "
                "makes them of uint8"
            )
        if images.shape[1] != self.in_channels:
            raise ValueError(
                f"the backbone takes images of {self.in_channels} channels, not {images.shape[1]}"
            )
        x = (images - self.network.mean) / self.network.std
        maps = {}
        for name, stride in self.network.steps:
            x = self.network.get_submodule(name)(x)
            if stride is not None:
                if str(stride) in self.operators:
                    x = self.operators[str(stride)](x)
                maps[stride] = x
        return maps | {self.last_stride: x}


def build_backbone(config: BackboneConfig, seed: int) -> AttentiveBackbone:
    """Builds the backbone with initial weights that depend on `seed` and their own names alone.

    Backbones that differ in `operator` only share the initial weights of the network, and those of
    the operators' common layers. The global random state is neither used nor changed. A file of
    `config.weights` that holds operators must hold those of `config`; in a file without any, the
    operators' gates start at 0.

    Raises:
        MatlError: A setting cannot be followed, or the weights cannot be had or do not fit.
    """
    check_config(config)
    maps = feature_maps(config.name)
    gate = GATE_FROM_SCRATCH if config.weights is None else 0.0
    operators = {}
    if config.operator != "none":
        for stride in sorted(set(config.at_strides)):
            name = f"operators.{stride}"
            with seeded(seed, name):
                operator = build_operator(
                    config.operator, maps.channels[stride], gate, config.drop_path
                )
            draw_by_name(operator, seed, name)
            operators[stride] = operator
    network = build_network(config, seed)
    channels = maps.channels | {max(maps.channels): maps.num_features}
    backbone = AttentiveBackbone(network, operators, channels, config.in_channels, config.name)
    if config.weights == IMAGENET:
        load_whole(backbone, read_imagenet(config.name))
    elif config.weights not in (None, "timm"):
        load_initial_weights(backbone, config.weights)
    return backbone
