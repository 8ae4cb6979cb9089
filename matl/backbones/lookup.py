"""What timm and MONAI say of their networks, found without drawing their weights."""

from typing import Any

import timm
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import FeatureListNet
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import Tensor, nn

from matl.backbones import monai_networks
from matl.backbones.maps import library
from matl.backbones.network import Network, empty_classifier, flat_children
from matl.backbones.network_table import FeatureMaps
from matl.errors import MatlError

SEQUENTIAL_FEATURES = (FeatureListNet, EfficientNetFeatures, MobileNetV3Features)
ODD_SIZE = (64, 96)
"""Height and width, in pixels, of a small oblong image that every network must take."""

ADVICE = "take one such as resnet50, densenet121, efficientnet_b0 or convnext_atto"


def look_up(name: str) -> FeatureMaps:
    """The feature maps of a network of timm's or MONAI's.

    Raises:
        MatlError: The network is not one sequence of convolutional stages, or takes neither images
            of every size nor of one declared size.
    """
    classifier = empty_classifier(name).eval()
    of_monai = library(name) == "monai"
    maps = _monai_maps(name, classifier) if of_monai else _timm_maps(name, classifier)
    if not _is_one_sequence(classifier, maps):
        raise MatlError(f"backbone.name: {name} passes more than maps on; {ADVICE}")
    return maps


def _timm_maps(name: str, classifier: nn.Module) -> FeatureMaps:
    features = _features(name)
    only_size = None
    if features.pretrained_cfg.get("fixed_input_size"):
        only_size = tuple(features.pretrained_cfg["input_size"][1:])
    try:
        features(torch.empty(1, 3, *(only_size or ODD_SIZE), device="meta"))
    except (RuntimeError, AssertionError) as error:
        raise MatlError(
            f"backbone.name: {name} does not take images of every size; {ADVICE}"
        ) from error
    info, strides = features.feature_info, features.feature_info.reduction()
    places, widths = info.module_name(), info.channels()
    tail, num_features = _tail(classifier, places, only_size or ODD_SIZE) or ((), widths[-1])
    return FeatureMaps(
        stride_of=dict(zip(places, strides, strict=True)),
        channels=dict(zip(strides, widths, strict=True)),
        tail=tail,
        num_features=num_features,
        mean=tuple(features.pretrained_cfg["mean"]),
        std=tuple(features.pretrained_cfg["std"]),
        only_size=only_size,
        names_layers=hasattr(classifier, "group_matcher"),
        depthwise=_has_depthwise(classifier),
    )


def _monai_maps(name: str, classifier: nn.Module) -> FeatureMaps:
    places, found = monai_networks.places(name), []
    for place in places:
        classifier.get_submodule(place).register_forward_hook(lambda *call: found.append(call[2]))
    classifier(torch.empty(1, 3, *ODD_SIZE, device="meta"))
    strides = [ODD_SIZE[0] // x.shape[2] for x in found]
    return FeatureMaps(
        stride_of=dict(zip(places, strides, strict=True)),
        channels={stride: x.shape[1] for stride, x in zip(strides, found, strict=True)},
        tail=(),
        num_features=found[-1].shape[1],
        mean=IMAGENET_DEFAULT_MEAN,
        std=IMAGENET_DEFAULT_STD,
        only_size=None,
        names_layers=False,
        depthwise=_has_depthwise(classifier),
    )


def _has_depthwise(network: nn.Module) -> bool:
    return any(
        isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels
        for module in network.modules()
    )


def _tail(
    classifier: Any, places: list[str], size: tuple[int, int]
) -> tuple[tuple[str, ...], int] | None:
    """The modules of timm's `forward_features` behind the last map, and what channels they give.

    None where it does more than to call them one behind the other, or changes the map's size.
    """
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []
    named = {module: name for name, module in flat_children(classifier, set(places))}
    for module in named:
        module.register_forward_hook(
            lambda module, given, returned: calls.append((module, given[0], returned))
        )
    x = classifier.forward_features(torch.empty(1, 3, *size, device="meta"))
    behind = 1 + max(n for n, (module, *_) in enumerate(calls) if named[module] == places[-1])
    last = before = calls[behind - 1][2]
    for _, given, returned in calls[behind:]:
        if given is not last:
            return None
        last = returned
    if last is not x or last.shape[2:] != before.shape[2:]:
        return None
    modules = [module for module, *_ in calls[behind:] if not isinstance(module, nn.Identity)]
    return tuple(named[module] for module in modules), last.shape[1]


def _features(name: str) -> Any:
    """The network as timm makes it for its feature maps, without weights.

    Raises:
        MatlError: The network is not one sequence of convolutional stages.
    """
    try:
        with torch.device("meta"):
            features = timm.create_model(name, features_only=True).eval()
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise MatlError(f"backbone.name: {name} has no feature maps ({error}); {ADVICE}") from error
    layout_of_maps = getattr(features, "output_fmt", "NCHW")
    if not isinstance(features, SEQUENTIAL_FEATURES) or layout_of_maps != "NCHW":
        raise MatlError(
            f"backbone.name: {name} is not a sequence of convolutional stages; {ADVICE}"
        )
    return features


def _is_one_sequence(classifier: nn.Module, maps: FeatureMaps) -> bool:
    """Whether the modules, one behind the other, give all the maps."""
    with torch.device("meta"):
        network = Network(classifier, maps, in_channels=3)
        x = torch.empty(1, 3, *(maps.only_size or ODD_SIZE))
    for module, stride in network.steps:
        x = network.get_submodule(module)(x)
        if stride is not None and not (isinstance(x, torch.Tensor) and x.ndim == 4):
            return False
    return True
