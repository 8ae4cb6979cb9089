"""The convolutional networks: timm's, cut behind their last feature map."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import timm
import torch
from timm.models import FeatureListNet, group_parameters
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import nn

from data_modules.errors import first_line
from matl.backbones.config import BackboneConfig
from matl.errors import MatlError
from matl.seeding import seeded

SEQUENTIAL_FEATURES = (FeatureListNet, EfficientNetFeatures, MobileNetV3Features)
ODD_SIZE = (64, 96)
"""Height and width, in pixels, of a small oblong image that every network must take."""


@dataclass(frozen=True)
class FeatureMaps:
    """Where a network's feature maps are.

    Attributes:
        stride_of: The stride of the map that each of the named modules returns, finest map first.
        channels: The channels of the map at each stride.
        mean, std: What the network's pretrained weights expect of red, green and blue.
        only_size: The height and width, in pixels, that the network takes, or None for all.
    """

    stride_of: dict[str, int]
    channels: dict[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    only_size: tuple[int, int] | None


@cache
def feature_maps(name: str) -> FeatureMaps:
    """The feature maps of timm's network `name`, found without drawing its weights.

    Raises:
        MatlError: The network is not one sequence of convolutional stages, or takes neither images
            of every size nor of one declared size.
    """
    advice = "take one such as resnet50, densenet121, efficientnet_b0 or convnext_atto"
    try:
        with torch.device("meta"):
            features = timm.create_model(name, features_only=True).eval()
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise MatlError(f"backbone.name: {name} has no feature maps ({error}); {advice}") from error
    layout_of_maps = getattr(features, "output_fmt", "NCHW")
    if not isinstance(features, SEQUENTIAL_FEATURES) or layout_of_maps != "NCHW":
        raise MatlError(
            f"backbone.name: {name} is not a sequence of convolutional stages; {advice}"
        )
    only_size = None
    if features.pretrained_cfg.get("fixed_input_size"):
        only_size = tuple(features.pretrained_cfg["input_size"][1:])
    try:
        features(torch.empty(1, 3, *(only_size or ODD_SIZE), device="meta"))
    except (RuntimeError, AssertionError) as error:
        raise MatlError(
            f"backbone.name: {name} does not take images of every size; {advice}"
        ) from error
    info, strides = features.feature_info, features.feature_info.reduction()
    layout = FeatureMaps(
        stride_of=dict(zip(info.module_name(), strides, strict=True)),
        channels=dict(zip(strides, info.channels(), strict=True)),
        mean=tuple(features.pretrained_cfg["mean"]),
        std=tuple(features.pretrained_cfg["std"]),
        only_size=only_size,
    )
    if not _is_one_sequence(name, layout):
        raise MatlError(f"backbone.name: {name} passes more than maps on; {advice}")
    return layout


def _is_one_sequence(name: str, layout: FeatureMaps) -> bool:
    """Whether the modules, one behind the other, give all the maps."""
    with torch.device("meta"):
        network = Network(timm.create_model(name).eval(), layout, in_channels=3)
        x = torch.empty(1, 3, *(layout.only_size or ODD_SIZE))
    for module, stride in network.steps:
        x = network.get_submodule(module)(x)
        if stride is not None and not (isinstance(x, torch.Tensor) and x.ndim == 4):
            return False
    return True


class Network(nn.Module):
    """The modules of one of timm's networks up to its last feature map.

    Modules keep the names that they have in timm's classifier of the same name, so that the keys of
    the state are those of timm's weight files, without the classification head.

    Attributes:
        steps: The modules' names in the order of use, each with the stride of the feature map that
            it returns, or None where it returns none.
        mean, std: What the images are normalised by, float32 [1, in_channels, 1, 1]; they
            travel with the weights.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, classifier: nn.Module, layout: FeatureMaps, in_channels: int) -> None:
        """Takes over the modules of `classifier`, a network of timm's, and leaves out its head."""
        super().__init__()
        self.steps: list[tuple[str, int | None]] = []
        awaited = set(layout.stride_of)
        for name, module in _flat_children(classifier, awaited):
            _place(self, name, module)
            self.steps.append((name, layout.stride_of.get(name)))
            awaited.discard(name)
            if not awaited:
                break
        for statistic, colours in (("mean", layout.mean), ("std", layout.std)):
            values = colours if in_channels == 3 else (sum(colours) / len(colours),)
            buffer = torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
            self.register_buffer(statistic, buffer)


def layer_depths(name: str) -> dict[str, int]:
    """The depth of each parameter of timm's network `name`, from 0 at the images, by its key.

    Raises:
        MatlError: timm does not say which layers the network has.
    """
    with torch.device("meta"):
        classifier = timm.create_model(name)
    if not hasattr(classifier, "group_matcher"):
        raise MatlError(f"layer_decay: timm does not name the layers of {name}; set it to 1")
    matcher: Any = classifier.group_matcher
    return group_parameters(classifier, matcher(), reverse=True)


def build_network(config: BackboneConfig, seed: int) -> Network:
    """Builds the network with initial weights of `seed`, or with timm's if `weights` is "timm".

    Raises:
        MatlError: timm has no pretrained weights for the network, or they cannot be downloaded.
    """
    layout = feature_maps(config.name)
    with seeded(seed, "network"):
        if config.weights != "timm":
            classifier = _create(config, pretrained=False)
        else:
            try:
                classifier = _create(config, pretrained=True)
            except Exception as error:  # each of the hub's clients has its own errors
                raise MatlError(
                    f"backbone.weights: timm's weights of {config.name} cannot be had "
                    f"({first_line(error)}); offline, give the path of a safetensors file instead"
                ) from error
    return Network(classifier, layout, config.in_channels)


def _create(config: BackboneConfig, pretrained: bool) -> nn.Module:
    options = {"in_chans": config.in_channels, "pretrained": pretrained}
    if config.drop_path > 0:
        try:
            return timm.create_model(config.name, drop_path_rate=config.drop_path, **options)
        except TypeError:  # a network without residual branches, such as a DenseNet
            pass
    return timm.create_model(config.name, **options)


def _flat_children(network: nn.Module, taps: set[str]) -> list[tuple[str, nn.Module]]:
    """The children in order, a container that holds one of `taps` replaced by its own children."""
    flat = []
    for name, child in network.named_children():
        if any(tap.startswith(f"{name}.") for tap in taps):
            flat += [(f"{name}.{inner}", module) for inner, module in child.named_children()]
        else:
            flat.append((name, child))
    return flat


def _place(root: nn.Module, name: str, module: nn.Module) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        if parent not in root._modules:
            root.add_module(parent, nn.Module())
        root = root.get_submodule(parent)
    root.add_module(last, module)
