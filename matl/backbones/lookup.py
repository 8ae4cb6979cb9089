"""What timm says of its networks, found without drawing their weights."""

from typing import Any

import timm
import torch
from timm.models import FeatureListNet
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import nn

from matl.backbones.network import Network
from matl.backbones.timm_table import FeatureMaps
from matl.errors import MatlError

SEQUENTIAL_FEATURES = (FeatureListNet, EfficientNetFeatures, MobileNetV3Features)
ODD_SIZE = (64, 96)
"""Height and width, in pixels, of a small oblong image that every network must take."""

ADVICE = "take one such as resnet50, densenet121, efficientnet_b0 or convnext_atto"


def look_up(name: str) -> FeatureMaps:
    """The feature maps of timm's network `name`.

    Raises:
        MatlError: The network is not one sequence of convolutional stages, or takes neither images
            of every size nor of one declared size.
    """
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
    with torch.device("meta"):
        classifier = timm.create_model(name).eval()
    maps = FeatureMaps(
        stride_of=dict(zip(info.module_name(), strides, strict=True)),
        channels=dict(zip(strides, info.channels(), strict=True)),
        mean=tuple(features.pretrained_cfg["mean"]),
        std=tuple(features.pretrained_cfg["std"]),
        only_size=only_size,
        names_layers=hasattr(classifier, "group_matcher"),
    )
    if not _is_one_sequence(classifier, maps):
        raise MatlError(f"backbone.name: {name} passes more than maps on; {ADVICE}")
    return maps


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
