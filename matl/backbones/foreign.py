"""Weights files of other libraries, brought to canonical keys."""

import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from matl.backbones.network import empty_classifier
from matl.backbones.weights import (
    HEADS,
    NETWORK_KEYS,
    NORMALISATION,
    OPERATOR_KEYS,
    canonical_state,
    load_state,
    read_weights,
    refuse_bad_numbers,
)
from matl.errors import MatlError

if TYPE_CHECKING:
    from matl.backbones.attentive import AttentiveBackbone

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep the weights among other things."""

MOST_WRAPPERS = 8
"""Within each other; a checkpoint that holds itself has no end."""
SHOWN_KEYS = 8

COMPILED = "_orig_mod."
"""What torch.compile puts before the keys of a module."""


@dataclass(frozen=True)
class Layout:
    """How a library names the weights of a network.

    Attributes:
        name: The library, or libraries.
        prefix: The beginning of the network's keys; others belong to heads or other networks.
        numbered: Whether the network's children are counted, as in nn.Sequential, not named.
        mark: A key that sets this layout apart from others.
        alone: Whether the file holds the network and nothing else.
        mean, std: What grey levels in [0, 1] are normalised by, where it is not as in timm.
    """

    name: str
    prefix: str = ""
    numbered: bool = False
    mark: str = ""
    alone: bool = False
    mean: float | None = None
    std: float | None = None

    def may_be(self, file: "WeightsFile") -> bool:
        """Whether this layout is possible, before names are compared."""
        lone = not file.wrapped and all(key.startswith(self.prefix) for key in file.state)
        return (lone or not self.alone) and (not self.mark or self.mark in file.state)


class WeightsFile(NamedTuple):
    """Weights under a file's own keys, and whether they lay in a checkpoint among other things."""

    state: dict[str, Tensor]
    wrapped: bool


LAYOUTS = (
    Layout("TorchXRayVision", mark="op_threshs", mean=0.5, std=1 / 2048),
    Layout("TorchXRayVision", "model.", mark="op_threshs", mean=0.5, std=1 / 2048),
    Layout("timm, torchvision, MONAI or matl"),
    Layout("a Lightning module (matl, lightly)", "backbone."),
    Layout("a Lightning module (matl, lightly), distributed", "module.backbone."),
    Layout("MoCo", "module.encoder_q."),
    Layout("MoCo, one process", "encoder_q."),
    Layout("MoCo v3", "module.base_encoder."),
    Layout("DistributedDataParallel", "module."),
    Layout("RadImageNet", "backbone.", numbered=True, alone=True, mean=0.5, std=0.5),
    Layout("a Lightning module (lightly)", "backbone.", numbered=True),
    Layout("a backbone (lightly)", numbered=True),
)
"""The first of those that name the most weights is taken. TorchXRayVision's images lie in
[-1024, 1024], RadImageNet's in [-1, 1]."""

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
_PICKLED = "holds a pickled program; save the state_dict() of what it holds, and name that file"


def read_foreign(path: str | Path) -> WeightsFile:
    """Reads the weights of a safetensors file or a torch checkpoint, under the file's own keys.

    Checkpoints are read with `weights_only=True`: nothing in the file is executed.

    Raises:
        MatlError: The file cannot be read, holds no weights, or would have to be unpickled.
    """
    path = Path(path)
    if path.suffix == ".safetensors" or not path.is_file():
        return _plain(path, read_weights(path)[0], wrapped=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd in it is said below, in a line
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise errors of many kinds
        unsafe = "unsupported global" in str(error).lower()
        problem = _PICKLED if unsafe else "is damaged, or no file of weights"
        raise MatlError(f"{path} {problem}") from error
    inner = _unwrapped(content)
    state = {
        key.replace(COMPILED, ""): value
        for key, value in (inner.items() if isinstance(inner, dict) else ())
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    if not state and isinstance(inner, dict) and inner:
        keys = ", ".join([str(key) for key in inner][:SHOWN_KEYS])
        raise MatlError(f"{path} holds no weights where matl looks for them; it has: {keys}")
    return _plain(path, state, wrapped=inner is not content)


def _plain(path: Path, state: dict[str, Tensor], wrapped: bool) -> WeightsFile:
    """Weights that can be copied as they are.

    Raises:
        MatlError: There are none, or one is sparse, quantised or without values.
    """
    if not state:
        raise MatlError(f"{path} holds no weights")
    for key, value in state.items():
        kinds = {
            "sparse": value.layout != torch.strided,
            "quantised": value.is_quantized,
            "without values (on the device meta)": value.is_meta,
        }
        if found := [kind for kind, is_so in kinds.items() if is_so]:
            raise MatlError(f"{path}: '{key}' is {found[0]}; save plain tensors of floats")
    return WeightsFile(state, wrapped)


def _unwrapped(content: Any) -> Any:
    """The weights within what a checkpoint keeps beside them, or within a lone name."""
    for _ in range(MOST_WRAPPERS):
        if not isinstance(content, dict):
            break
        inner = [content[key] for key in WRAPPERS if key in content]
        inner = inner or (list(content.values()) if len(content) == 1 else [])
        if not inner or not isinstance(inner[0], dict):
            break
        content = inner[0]
    return content


def translate(file: WeightsFile, backbone: nn.Module) -> tuple[dict[str, Tensor], Layout]:
    """Brings weights to canonical keys by the layout that names most of the backbone's.

    Args:
        file: Weights under the keys of one of `LAYOUTS`.
        backbone: The backbone that they are for; unchanged.

    Raises:
        MatlError: No layout names a weight of the backbone.
    """
    own = canonical_state(backbone)
    children = _children(backbone)
    best: tuple[int, dict[str, Tensor], Layout] = (0, {}, LAYOUTS[0])
    for layout in LAYOUTS:
        if layout.may_be(file):
            named = _named(file.state, layout, children)
            fitting = len(own.keys() & named.keys())
            if fitting > best[0]:
                best = (fitting, named, layout)
    fitting, named, layout = best
    if not fitting:
        raise MatlError(
            "weights do not fit: no known layout names a weight of this network; "
            f"{_remedy(file.state, own)}"
        )
    _refuse_other_numbers(named, own)
    for statistic in NORMALISATION:  # a network may have a weight of that name
        if statistic in named and named[statistic].shape[2:] != (1, 1):
            del named[statistic]
    if layout.mean is not None and layout.std is not None:
        named["mean"] = torch.full_like(own["mean"], layout.mean)
        named["std"] = torch.full_like(own["std"], layout.std)
    return named, layout


def _remedy(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str:
    """What would make unknown keys known: what stands before names of this network."""
    before = Counter(
        key.removesuffix(name)
        for key in state
        for name in [key[place:] for place in _after_dots(key)]
        if name in own
    )
    if not before:
        return f"the file has {next(iter(state))}"
    prefix = before.most_common(1)[0][0]
    return (
        f"its names begin with '{prefix}' in the file; save them without it, as in torch.save("
        f"{{k.removeprefix('{prefix}'): v for k, v in state.items()}}, 'own.pth')"
    )


def _after_dots(key: str) -> list[int]:
    return [place + 1 for place, letter in enumerate(key) if letter == "."]


def _refuse_other_numbers(named: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
    for key, value in named.items():
        if key in own and own[key].is_floating_point() and not value.is_floating_point():
            kind = str(value.dtype).removeprefix("torch.")
            raise MatlError(f"'{key}' is of {kind}, which weights are not; save them as floats")


def load_initial_weights(backbone: "AttentiveBackbone", path: str | Path) -> Layout:
    """Loads a file in any known layout; in a file without operators, these stay as they are.

    Returns:
        The layout of the file.

    Raises:
        MatlError: The file cannot be read, or does not fit.
    """
    file = read_foreign(path)
    try:
        named, layout = translate(file, backbone)
        load_whole(backbone, named)
    except MatlError as error:
        raise MatlError(f"{path}: {error}") from None
    return layout


def load_whole(backbone: "AttentiveBackbone", named: Mapping[str, Tensor]) -> None:
    """Loads weights by canonical key; where none is of an operator, these stay as they are.

    Raises:
        MatlError: The weights do not fit, or are no numbers.
    """
    own = canonical_state(backbone)
    if not any(key.startswith(OPERATOR_KEYS) for key in named):
        operators = {key: value for key, value in own.items() if key.startswith(OPERATOR_KEYS)}
        named = {**named, **operators}
    load_state(backbone, named, foreign_heads(backbone)).raise_if_bad()
    refuse_bad_numbers(backbone)


def foreign_heads(backbone: "AttentiveBackbone") -> tuple[str, ...]:
    """Keys, or their beginnings, that a file may have besides the backbone's.

    They are what the library's own classifier has behind the last feature map, and what libraries
    call their heads.
    """
    own, whole = canonical_state(backbone), empty_classifier(backbone.name).state_dict()
    return (*HEADS, "op_threshs", *(key for key in whole if key not in own))


def _named(
    state: Mapping[str, Tensor], layout: Layout, children: tuple[str, ...]
) -> dict[str, Tensor]:
    named = {}
    for key, value in state.items():
        if key.startswith(layout.prefix):
            key = key.removeprefix(layout.prefix).removeprefix(NETWORK_KEYS)
            key = _by_name(key, children) if layout.numbered else key
            named[_OLD_DENSENET.sub(r"\1\2", key)] = value
    return named


def _by_name(key: str, children: tuple[str, ...]) -> str:
    """The key with the child's name instead of its number."""
    number, dot, rest = key.partition(".")
    if not number.isdigit() or int(number) >= len(children):
        return key
    return f"{children[int(number)]}{dot}{rest}"


def _children(backbone: nn.Module) -> tuple[str, ...]:
    """Names of the network's children in order; a container that was cut open counts once."""
    network = backbone.get_submodule(NETWORK_KEYS.rstrip("."))
    return tuple(name for name, _ in network.named_children())
