"""The convolutional networks of timm and MONAI, cut before the pooling of their last map."""

from typing import Any

import timm
import torch
from timm.models import group_parameters
from torch import nn

from data_modules.errors import first_line
from matl.backbones import monai_networks
from matl.backbones.config import BackboneConfig
from matl.backbones.maps import feature_maps, library
from matl.backbones.network_table import FeatureMaps
from matl.errors import MatlError
from matl.seeding import seeded


class Network(nn.Module):
    """The modules of a network up to the pooling of its last feature map.

    Modules keep the names that they have in the library's classifier of the same name, so that the
    keys of the state are those of its weight files, without the classification head.

    Attributes:
        steps: The modules' names in the order of use, each with the stride of the feature map that
            it returns, or None where it returns none. Those behind the last map are its tail.
        mean, std: What the images are normalised by, float32 [1, in_channels, 1, 1]; they
            travel with the weights.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, classifier: nn.Module, maps: FeatureMaps, in_channels: int) -> None:
        """Takes over the modules of `classifier`, and leaves out its head."""
        super().__init__()
        self.steps: list[tuple[str, int | None]] = []
        awaited = {*maps.stride_of, *maps.tail}
        for name, module in flat_children(classifier, awaited):
            _place(self, name, module)
            self.steps.append((name, maps.stride_of.get(name)))
            awaited.discard(name)
            if not awaited:
                break
        for statistic, colours in (("mean", maps.mean), ("std", maps.std)):
            values = colours if in_channels == 3 else (sum(colours) / len(colours),)
            buffer = torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
            self.register_buffer(statistic, buffer)


def empty_classifier(name: str) -> nn.Module:
    """The library's whole network, its classification head included, without values."""
    with torch.device("meta"):
        return _create(BackboneConfig(name, in_channels=3), pretrained=False)


def layer_depths(name: str) -> dict[str, int]:
    """The depth of each parameter of timm's network `name`, from 0 at the images, by its key.

    Raises:
        MatlError: timm does not say which layers the network has.
    """
    classifier = empty_classifier(name)
    if not hasattr(classifier, "group_matcher"):
        raise MatlError(f"layer_decay: timm does not name the layers of {name}; set it to 1")
    matcher: Any = classifier.group_matcher
    return group_parameters(classifier, matcher(), reverse=True)


def build_network(config: BackboneConfig, seed: int) -> Network:
    """Builds the network with initial weights of `seed`, or with timm's if `weights` is "timm".

    Raises:
        MatlError: timm has no pretrained weights for the network, or they cannot be downloaded.
    """
    maps = feature_maps(config.name)
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
    return Network(classifier, maps, config.in_channels)


def _create(config: BackboneConfig, pretrained: bool) -> nn.Module:
    if library(config.name) == "monai":
        return monai_networks.make(config.name, config.in_channels)
    options = {"in_chans": config.in_channels, "pretrained": pretrained}
    if config.drop_path > 0:
        try:
            return timm.create_model(config.name, drop_path_rate=config.drop_path, **options)
        except TypeError:  # a network without residual branches, such as a DenseNet
            pass
    return timm.create_model(config.name, **options)


def flat_children(network: nn.Module, taps: set[str]) -> list[tuple[str, nn.Module]]:
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
        if parent not in dict(root.named_children()):
            root.add_module(parent, nn.Module())
        root = root.get_submodule(parent)
    root.add_module(last, module)
