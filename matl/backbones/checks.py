"""Mistakes in the settings of a backbone, found before anything is built."""

from collections.abc import Sequence
from difflib import get_close_matches

from data_modules.errors import did_you_mean
from matl.backbones.config import OPERATORS, BackboneConfig
from matl.backbones.maps import feature_maps, library, network_names
from matl.backbones.wheels import IMAGENET, refuse_without_wheel
from matl.errors import MatlError


def check_config(config: BackboneConfig) -> None:
    """Checks what can be checked without weights.

    Raises:
        MatlError: A setting that cannot be followed; names the nearest one that can.
    """
    _check_word("backbone.operator", config.operator, OPERATORS)
    _check_network(config.name)
    if config.in_channels not in (1, 3):
        raise MatlError(
            f"backbone.in_channels: {config.in_channels}; images have 1 (grey) or 3 (colour)"
        )
    if not 0 <= config.drop_path < 1:
        raise MatlError(f"backbone.drop_path: {config.drop_path} is not in [0, 1)")
    _check_strides(config)
    _check_weights(config)


def _check_network(name: str) -> None:
    """A name may have a tag of timm's pretrained weights, as in "resnet18.a1_in1k"."""
    word = name.partition(".")[0] if library(name) == "timm" else name
    known = network_names()
    if word not in known:
        near = get_close_matches(word, known, cutoff=0.5)
        meant = f"did you mean {' or '.join(map(repr, near))}?"
        hint = meant if near else "matl networks lists them"
        raise MatlError(f"backbone.name: there is no {word!r}; {hint}")


def _check_weights(config: BackboneConfig) -> None:
    if config.weights == IMAGENET:
        refuse_without_wheel(config.name)
    if config.weights == "timm" and library(config.name) != "timm":
        raise MatlError(
            f"backbone.weights: timm has none of {config.name}; give the path of a file of them"
        )


def _check_word(key: str, word: str, words: Sequence[str]) -> None:
    if word in words:
        return
    raise MatlError(f"{key}: there is no {word!r}; {did_you_mean(word, words)}")


def _check_strides(config: BackboneConfig) -> None:
    strides = list(feature_maps(config.name).channels)
    unknown = [stride for stride in config.at_strides if stride not in strides]
    if unknown:
        raise MatlError(
            f"backbone.at_strides: {config.name} has feature maps at the strides {strides}, "
            f"not at {unknown[0]}"
        )
    if len(set(config.at_strides)) < len(config.at_strides):
        raise MatlError(f"backbone.at_strides: {config.at_strides} names a stride twice")
    if config.operator != "none" and not config.at_strides:
        raise MatlError(
            f"backbone.at_strides is empty: name strides among {strides}, or set operator: none"
        )
