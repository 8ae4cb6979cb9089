"""The weights that travel: canonical keys, strict loading, safetensors files.

A canonical key is timm's own name of a weight in the classifier of the same network, such as
`layer1.0.conv1.weight`, or `operators.<stride>.<name>` for a weight of an operator, or `mean` and
`std`, what the network's images are normalised by.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from timm.models import adapt_input_conv
from torch import Tensor, nn

from matl.errors import MatlError
from matl.files import refuse_irregular

HEADS = ("fc.", "classifier.", "head.")
"""Beginnings of the keys of timm's classification heads, which never travel."""

NETWORK_KEYS, OPERATOR_KEYS = "network.", "operators."
"""Beginnings of keys: in a backbone, and among the canonical ones."""

NORMALISATION = ("mean", "std")
OPTIONAL = (*NORMALISATION, "num_batches_tracked")
"""Endings of keys that files may lack: torch's batch norms did not always count their batches."""


@dataclass(frozen=True)
class Clash:
    """A weight whose shape in the file is not its shape in the backbone."""

    key: str
    given: tuple[int, ...]
    wanted: tuple[int, ...]


@dataclass(frozen=True)
class LoadReport:
    """What became of each weight.

    Attributes:
        loaded: Keys whose weights the backbone now holds.
        missing: Keys of the backbone that were not given; their weights are unchanged.
        unexpected: Given keys, outside the permitted heads, that the backbone does not have.
        clashing: Weights of another shape than the backbone's, which are unchanged.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    clashing: tuple[Clash, ...]

    def raise_if_bad(self) -> None:
        """Raises a MatlError unless every weight of the backbone was given, and no other."""
        if self.clashing:
            first = self.clashing[0]
            raise MatlError(
                f"weights do not fit: {first.key} is {first.given} in the file and "
                f"{first.wanted} in the backbone{_more(self.clashing)}"
            )
        if self.unexpected:
            raise MatlError(
                f"weights do not fit: the backbone has no {self.unexpected[0]}"
                f"{_more(self.unexpected)}; check backbone.name, operator and at_strides"
            )
        if self.missing:
            raise MatlError(
                f"weights do not fit: {self.missing[0]} is not in the file{_more(self.missing)}; "
                "check backbone.name, operator and at_strides"
            )


def canonical_state(backbone: nn.Module, parameters_only: bool = False) -> dict[str, Tensor]:
    """The backbone's weights and running statistics by canonical key (shared, not copied)."""
    state = dict(backbone.named_parameters()) if parameters_only else backbone.state_dict()
    return {key.removeprefix(NETWORK_KEYS): value for key, value in state.items()}


def load_state(
    backbone: nn.Module, state: Mapping[str, Tensor], heads: Iterable[str] = HEADS
) -> LoadReport:
    """Copies weights into the backbone, and reports what became of each.

    The first convolution of a colour network is adapted to a grey backbone as timm does it (summed
    over the colours). Call `raise_if_bad` on the result where all must fit.

    Args:
        backbone: Changed in place.
        state: Weights by canonical key.
        heads: Beginnings of keys that may be there without a place in the backbone.
    """
    own = canonical_state(backbone)
    given = _grey_if_needed(dict(state), own)
    loaded = {k: v for k, v in given.items() if k in own and v.shape == own[k].shape}
    with torch.no_grad():
        for key, value in loaded.items():
            own[key].copy_(value)
    return LoadReport(
        loaded=tuple(loaded),
        missing=tuple(k for k in own if k not in given and k.split(".")[-1] not in OPTIONAL),
        unexpected=tuple(k for k in given if k not in own and not k.startswith(tuple(heads))),
        clashing=tuple(
            Clash(k, tuple(v.shape), tuple(own[k].shape))
            for k, v in given.items()
            if k in own and v.shape != own[k].shape
        ),
    )


def refuse_bad_numbers(backbone: nn.Module) -> None:
    """Looks at every weight.

    Raises:
        MatlError: One is not finite, or images would be divided by 0.
    """
    for key, value in canonical_state(backbone).items():
        if not value.isfinite().all():
            raise MatlError(f"'{key}' holds numbers that are not finite")
        if key.endswith("running_var") and not (value >= 0).all():
            raise MatlError(f"'{key}' is below 0, which no variance is")
        if key == "std" and not (value > 0).all():
            raise MatlError(f"'{key}', which images are divided by, must be above 0")


def save_weights(
    path: str | Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Writes weights and a text-to-text description to a safetensors file, in one atomic step."""
    path = Path(path)
    plain = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(save(plain, metadata=dict(metadata)))
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk needs its room
        raise


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Reads the weights (on the CPU) and the description of a safetensors file.

    Raises:
        MatlError: There is no such file, or it is damaged, or no safetensors file.
    """
    refuse_irregular(path)
    if not Path(path).is_file():
        raise MatlError(f"there is no weights file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            keys = file.keys()
            return {key: file.get_tensor(key) for key in keys}, file.metadata() or {}
    except SafetensorError as error:
        raise MatlError(f"{path} is damaged, or no safetensors file ({error})") from error


def _grey_if_needed(state: dict[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    first = first_convolution(own)
    if first in state and state[first].shape[1:2] == (3,) and own[first].shape[1] == 1:
        state[first] = adapt_input_conv(1, state[first])
        state |= {k: state[k].mean(1, keepdim=True) for k in NORMALISATION if k in state}
    return state


def first_convolution(state: Mapping[str, Tensor]) -> str:
    """The canonical key of the convolution that sees the images."""
    return next(k for k, value in state.items() if value.ndim == 4 and k not in NORMALISATION)


def _more(listed: tuple[object, ...]) -> str:
    return f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
